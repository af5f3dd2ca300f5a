"""The registry of problems: the meaning of each code, an example, and the exit code that it usually ends a command with.

`runner explain`, the table in the manual and shell completion are generated from it. The longer explanation of a code is
its page in `manual/problems/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.codes import Code
    from runner.errors import Severity

_PAGES = Path(__file__).parent / "manual" / "problems"


class Trait(Flag):
    """What code needs to know of a problem beyond its exit code."""

    NONE = 0
    ENDS_ROWS = auto()
    """No row after it can be read from the file, not by a resume either."""
    MENDABLE = auto()
    """The file can be corrected, and its remaining rows be sent then."""
    MAY_PASS = auto()
    """The same row may succeed at another time."""
    OF_SPEC = auto()
    """Its cause is in the spec, whatever file it was found in."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry of one code. Meaning and example are one line of Markdown each.

    `exit_code` is what the manual and `runner explain` show: the usual one, while the page of the code names the others.
    How a command ends is decided by `runner.exits`, from the exceptions and failures that carry problems.
    """

    meaning: str
    example: str
    exit_code: ExitCode
    severity: Severity = "error"
    """The severity of a problem with this code, unless `checks:` sets another one."""
    traits: Trait = Trait.NONE


# fmt: off
ENTRIES: Mapping[Code, Entry] = {
    "ambiguous-scalar": Entry("plain text that other YAML readers take for a boolean, a number or a date, or the other way round", "`gift: no`", ExitCode.OK, severity="warning"),
    "app-info": Entry("`app_info` contains a character that no HTTP header can carry", '`app_info={"name": "shop\\n"}`', ExitCode.INVALID),
    "asset-invalid": Entry("a file of the assets folder is not what the platform's command line writes", "an event without a `name`", ExitCode.INVALID),
    "asset-missing": Entry("a file of the assets folder names a schema, template, category or workflow that is not in it", '`"template": "order-placed"`, which was not pulled', ExitCode.OK, severity="warning"),
    "assets-not-found": Entry("a command needs the workflow files of the project, and there are none", "`runner trace specs/purchase.yaml`", ExitCode.NOT_FOUND),
    "attachment-filename": Entry("an attachment's `filename` is not text", '`filename: "{{ 7 }}"`', ExitCode.INVALID),
    "attachment-ignore": Entry("an attachment's `ignore_if_error` is neither true nor false", "`ignore_if_error: \"{{ 'maybe' }}\"`", ExitCode.INVALID),
    "attachment-url": Entry("an attachment is not a public http(s) URL", "`- ./invoice.pdf`", ExitCode.INVALID),
    "attachments-without-key": Entry("an event has attachments and no `idempotency_key`, so that a second send mails the files again", "`attachments: […]` alone", ExitCode.OK, severity="advice"),
    "bad-pattern": Entry("a matcher's regular expression is invalid", '`{$re: "(["}`', ExitCode.INVALID),
    "bad-schema": Entry("a schema is not valid JSON Schema, is not of the dialect 2020-12, or refers outside itself", "`schema: {type: objekt}`", ExitCode.INVALID),
    "bad-value": Entry("a value has the right type, but the format does not allow it", "`version: 2`", ExitCode.INVALID),
    "base-url": Entry("the platform's base URL is invalid", "`SUPRSEND_BASE_URL=hub.example.com`", ExitCode.INVALID),
    "bug": Entry("runner itself failed; the message says how to report it", "a traceback with `-v`", ExitCode.BUG),
    "case-mismatch": Entry("a case produced something other than it expects", "`expect: {event: {properties: {amount: 11}}}`", ExitCode.REFUSED),
    "case-not-found": Entry("none of the given specs has this case", "`--case 'no such case'`", ExitCode.NOT_FOUND),
    "case-passed": Entry("a case expects an error, or is marked `xfail`, and it passed", "`expect: {error: {code: var-schema}}`", ExitCode.REFUSED),
    "cassette-changed": Entry("a request differs from the recorded one, is not recorded, or is sent too early", "a property's new value", ExitCode.CASSETTE, traits=Trait.OF_SPEC),
    "cassette-drift": Entry("the server answers differently from what was recorded", "`cassette verify` finds a new key", ExitCode.CASSETTE),
    "cassette-empty": Entry("a cassette contains no requests", "a file cut short", ExitCode.CASSETTE),
    "cassette-expired": Entry("a cassette is older than `max_age`, or its age is unknown", "`cassettes: {max_age: 90d}`", ExitCode.CASSETTE),
    "cassette-leak": Entry("a cassette contains a secret, or what looks like a credential", "`Authorization` in a file of another program", ExitCode.CASSETTE),
    "cassette-missing": Entry("a case expects an answer, and none is recorded (a warning where `cassette check` finds no cassettes)", "a new case", ExitCode.CASSETTE),
    "cassette-orphan": Entry("no case plays this cassette", "a case with a new name", ExitCode.CASSETTE),
    "cassette-unplayed": Entry("a recorded request is no longer sent", "one step less", ExitCode.CASSETTE, traits=Trait.OF_SPEC),
    "cassette-unreadable": Entry("a file in `cassettes/` can't be read as a cassette", "a merge conflict in it", ExitCode.CASSETTE),
    "cassette-unrecorded": Entry("there was no answer to record, or it can't be recorded", "no server at the base URL", ExitCode.CASSETTE),
    "cluster-lost": Entry("the scheduler of a cluster, or all of its workers, can't be reached", "`--cluster tcp://127.0.0.1:8786`, and it was stopped", ExitCode.MACHINE),
    "cluster-open": Entry("secrets would reach a cluster without TLS, where others can read them", "`--cluster tcp://scheduler:8786` with credentials", ExitCode.USAGE),
    "cluster-worker": Entry("a worker of a cluster can't send parts of the run", "its environment lacks the credentials", ExitCode.MACHINE),
    "concurrency": Entry("`concurrency` is not a number from 1 to 64", "`Suprsend(…, concurrency=0)`", ExitCode.INVALID),
    "condition-variable": Entry("a condition of a workflow reads a property that the spec never sends, or for whose type it can't hold", "`amount > 1000`, and `amount` is text", ExitCode.OK, severity="warning"),
    "confirm": Entry("a profile asks before it sends, and there is no terminal to ask on", "`send --profile production` in CI", ExitCode.USAGE),
    "conflicting-keys": Entry("a case has keys that exclude each other", "`skip:` beside `xfail:`, `golden:` beside `parametrize:`", ExitCode.INVALID),
    "constant-key": Entry("the idempotency key is the same for all events, of which only the first counts", "`idempotency_key: order`", ExitCode.OK, severity="advice"),
    "credentials-invalid": Entry("a credential contains a character that no HTTP header can carry", "a key copied with a line break", ExitCode.CREDENTIALS),
    "credentials-missing": Entry("credentials are missing, or only half of them are set", "`send` with nothing set", ExitCode.CREDENTIALS),
    "credentials-refused": Entry("the platform refuses the credentials: 401 or 403", "a revoked API key", ExitCode.CREDENTIALS),
    "directive": Entry("a map with `$for`, `$merge` or `$literal` is incomplete, or a key with `$` is unknown; or `omit` stands where a value is needed", "`names: {$for: item in items}`", ExitCode.INVALID),
    "distinct-id": Entry("`distinct_id` is blank, missing or not text", '`distinct_id: " "`', ExitCode.INVALID),
    "duplicate-case": Entry("two cases have the same name, or would share a cassette", "two cases `- name: an order`", ExitCode.INVALID),
    "duplicate-key": Entry("a map has the same key twice", "two keys `order:`", ExitCode.INVALID),
    "empty-file": Entry("the file is empty", "comments only", ExitCode.INVALID),
    "env-not-allowed": Entry("a spec reads an environment variable that `env_allowed` does not list, or one for credentials; or a profile names one that is not for the platform", "`env: GITHUB_TOKEN`", ExitCode.INVALID),
    "event-name": Entry("the event's name is shorter than two characters, or not text", "`event: x`", ExitCode.INVALID),
    "event-not-expected": Entry("the cases of a spec expect responses, and none says what the event must be", "`expect: {response: {success: true}}`", ExitCode.OK, severity="advice"),
    "event-schema": Entry("the properties of a spec break the schema of its event in the assets folder", "a required `order_id` that is never sent", ExitCode.OK, severity="warning"),
    "event-time": Entry("an event's time lies before 2022, which the platform refuses", "(Python API) a clock that was never set", ExitCode.INVALID),
    "event-too-large": Entry("the event's JSON is larger than 100 KB, or than `max_event_kb`", "a report as a property", ExitCode.INVALID),
    "export-invalid": Entry("an export lacks what a row is found by, or has an item that is not a message", "a table without `idempotency_key`", ExitCode.INVALID),
    "expression-variable": Entry("an expression of a workflow needs a property that the spec never sends", "`.due_at` of a delay", ExitCode.OK, severity="warning"),
    "extends-cycle": Entry("a spec extends itself, perhaps through others", "`a.yaml` → `_b.yaml` → `a.yaml`", ExitCode.INVALID),
    "file-exists": Entry("a file that would be written exists, and is not overwritten", "`runner import orders.har`, twice", ExitCode.USAGE),
    "file-not-found": Entry("a file or folder does not exist", "`validate spcs/`", ExitCode.NOT_FOUND),
    "file-too-large": Entry("a spec is larger than 1 MiB", "rows pasted into a spec", ExitCode.INVALID),
    "file-unreadable": Entry("this machine can't read the file", "no permission", ExitCode.MACHINE),
    "format-refused": Entry("a file can't be written in the canonical layout without a change of its values, and is left as it is", "a key of more than 1,000 characters", ExitCode.INVALID),
    "idempotency-key": Entry("the idempotency key is blank, null, not text, or longer than 255 characters", '`idempotency_key: "{{ text }}"`', ExitCode.INVALID),
    "import-source": Entry("a source has nothing that `runner import` can read, or an event that no spec can make", "a curl command without a body", ExitCode.INVALID),
    "insecure-url": Entry("credentials would be sent over plain http to another machine", "`SUPRSEND_BASE_URL=http://…`", ExitCode.CREDENTIALS),
    "insert-id": Entry("an event's id has fewer than 36 characters", '(Python API) `new_id=lambda: "x"`', ExitCode.INVALID),
    "interrupted": Entry("Ctrl-C, SIGTERM or SIGHUP ended the command; what may have arrived is *unknown*", "exit codes 130, 143, 129", ExitCode.INTERRUPTED),
    "json-syntax": Entry("a JSON file is not valid JSON", '`["order",]`', ExitCode.INVALID),
    "label-not-found": Entry("none of the given specs has this label", "`--label smok`", ExitCode.NOT_FOUND),
    "ledger-gone": Entry("the ledger was removed or replaced during a run", "`git clean -fdx`", ExitCode.MACHINE),
    "ledger-locked": Entry("another process has been writing to the ledger for too long", "a backup tool", ExitCode.MACHINE),
    "ledger-refused": Entry("the ledger of bulk runs can't be read or written", "a full disk", ExitCode.MACHINE),
    "let-cycle": Entry("a `let` needs its own value", '`let: {a: "{{ b }}", b: "{{ a }}"}`', ExitCode.INVALID),
    "machine-refused": Entry("this machine refused something else", "the working directory is gone; `ulimit -v` leaves no memory", ExitCode.MACHINE),
    "matcher-misplaced": Entry("`$absent` stands where there is no key", "`[kettle, {$absent: true}]`", ExitCode.INVALID),
    "matcher-not-alone": Entry("a matcher has another key beside it", "`{$len: 3, $any: true}`", ExitCode.INVALID),
    "max-event-kb": Entry("`max_event_kb` is not a number from 1 to 800", "`Suprsend(…, max_event_kb=900)`", ExitCode.INVALID),
    "message-failed": Entry("a message came of the event, and failed", "`expect: {messages: [{channel: email}]}`, and it bounced", ExitCode.REFUSED),
    "message-missing": Entry("a message that a case expects did not come, or only in another state or at another time", "`expect: {messages: [{channel: email}]}`", ExitCode.REFUSED),
    "message-unexpected": Entry("a message came that a case expects not to come", "`expect: {messages: []}`", ExitCode.REFUSED),
    "missing-key": Entry("a required key is missing", "no `event:`", ExitCode.INVALID),
    "network-blocked": Entry("something in a case tried to reach the network", "a plugin's own client", ExitCode.CASSETTE),
    "no-answer": Entry("the request was sent, and no answer came", "a timeout", ExitCode.NO_ANSWER),
    "no-case": Entry("a spec has no case", "no `tests:`", ExitCode.OK, severity="advice"),
    "no-connection": Entry("no connection could be made, so nothing was sent", "no server at the base URL", ExitCode.NO_ANSWER),
    "no-description": Entry("a spec has no description", "no `description:`", ExitCode.OK, severity="advice"),
    "no-message": Entry("no message came of an accepted event in the time of `--wait`; it may still come", "`runner send specs/purchase.yaml --wait 60s`", ExitCode.NO_MESSAGE),
    "no-specs": Entry("a folder contains no specs", "`validate docs/`", ExitCode.NOT_FOUND),
    "not-a-spec": Entry("the file is something else: variables, a workflow, a manifest, a base, or a link to such a file", "`jobs:` with `on:`", ExitCode.NOT_FOUND),
    "not-finite": Entry("a number that JSON does not have", "`.nan`", ExitCode.INVALID),
    "not-sent": Entry("a row was not sent, since the run stopped before it", "credentials refused midway", ExitCode.OK),
    "not-utf8": Entry("the file is not UTF-8", "saved as UTF-16", ExitCode.INVALID, traits=Trait.ENDS_ROWS | Trait.MENDABLE),
    "number-too-large": Entry("a number that no double, or no receiver, can hold", "`1e999`", ExitCode.INVALID),
    "output-refused": Entry("the output can't be written", "a full disk", ExitCode.MACHINE),
    "path-outside": Entry("a path leads out of the project", "`extends: ../../base.yaml`", ExitCode.INVALID),
    "personal-data-in-key": Entry("an idempotency key is made of an e-mail address, a phone number or the like", '`idempotency_key: "{{ email }}"`', ExitCode.OK, severity="advice"),
    "port-taken": Entry("another program listens on the port", "a second `runner sandbox`", ExitCode.MACHINE),
    "profile-not-found": Entry("`runner.yaml` has no such profile", "`--profile stagin`", ExitCode.NOT_FOUND),
    "property-depth": Entry("properties are nested more than 64 levels deep", "(Python API)", ExitCode.INVALID),
    "property-type": Entry("a property is not a JSON value", '`{"day": date.today()}`', ExitCode.INVALID),
    "rate-limited": Entry("the platform asks to slow down: 429", "too many sends", ExitCode.RATE_LIMITED),
    "refused": Entry("the platform refused the event", "400, 404, 413, 5xx", ExitCode.REFUSED),
    "reserved-name": Entry("a name is reserved by the platform, or has another meaning in a template", "`$order`, `SS_order`; a variable `none`", ExitCode.INVALID),
    "retries": Entry("`retries` is not a number from 0 to 100", "`Suprsend(…, retries=-1)`", ExitCode.INVALID),
    "row-columns": Entry("a row has more or fewer cells than the header", "a comma without quotes", ExitCode.INVALID),
    "row-json": Entry("a row is not a JSON object", '`{"user": }`', ExitCode.INVALID),
    "row-origin": Entry("the column `$row` names a run that is not in this ledger, or not the run of the rows before", "rows of two `runs failed`", ExitCode.INVALID, traits=Trait.ENDS_ROWS),
    "row-quotes": Entry("text follows the quote that closes a cell", '`"u1"x,5`', ExitCode.INVALID),
    "row-too-large": Entry("a row has more, or longer, values than an event can have", "1,000,000 keys", ExitCode.INVALID),
    "rows-changed": Entry("a file of rows changed while it was read, or a resumed run got other rows than it began with", "a file that is still being written", ExitCode.INVALID),
    "rows-differ": Entry("files of one run have different formats or columns", "`--rows orders.csv --rows refunds.jsonl`", ExitCode.INVALID),
    "rows-format": Entry("a file of rows has an unsupported format", "`--rows orders.xlsx`", ExitCode.INVALID),
    "rows-gone": Entry("the rows came from the standard input, and can't be read again", "`runs failed`", ExitCode.INVALID),
    "rows-header": Entry("a column of the header has no name, or two columns have the same one", "`user,,user`", ExitCode.INVALID),
    "rows-partition": Entry("the names of folders give columns that files do not agree about, or of a wrong type", "`year=abc/orders.parquet`", ExitCode.INVALID),
    "rows-query": Entry("the query for rows is not one that can be run, or fails", "`--query 'select user from rows'`", ExitCode.INVALID, traits=Trait.ENDS_ROWS),
    "rows-syntax": Entry("a file of rows can't be read beyond this place", "a download cut short", ExitCode.INVALID, traits=Trait.ENDS_ROWS | Trait.MENDABLE),
    "rows-too-large": Entry("reading a file of rows would take too much memory", "a file that unpacks to gigabytes", ExitCode.INVALID),
    "run-changed": Entry("the spec, the rows or the variables changed since the run began", "`send --resume RUN`", ExitCode.INVALID),
    "run-locked": Entry("the run is in use by another process", "two resumes", ExitCode.MACHINE),
    "run-not-found": Entry("no run has this id, or several ids begin with it", "`runs show 2026`", ExitCode.NOT_FOUND),
    "run-too-old": Entry("a run began more than 23 hours ago: the platform may have forgotten its idempotency keys", "`--resume` after a weekend", ExitCode.USAGE),
    "sandbox-database": Entry("the file of the sandbox's database can't be used", "two sandboxes with one `--db`", ExitCode.MACHINE),
    "schema-too-large": Entry("checking a JSON Schema would take too much time or memory", "references that double at each step", ExitCode.INVALID),
    "schema-violation": Entry("the properties break the spec's `schema:`", "text where a number is required", ExitCode.INVALID),
    "secret-too-short": Entry("a secret may have fewer than four characters, and is masked in few places", "`{secret: true, maxLength: 3}`", ExitCode.OK, severity="warning"),
    "secret-transformed": Entry("a template cuts or changes a secret: the result is not masked", "`{{ otp[:3] }}`", ExitCode.OK, severity="warning"),
    "spec-changed": Entry("a spec was changed while its rows were sent", "an editor", ExitCode.MACHINE),
    "stale-asset": Entry("a file of the assets folder is not read, since one of the newer layout takes precedence", "`workflow/order.json` beside `workflows/order/workflow.json`", ExitCode.OK, severity="warning"),
    "stale-schema": Entry("the copy of a schema differs from that of the event in the assets folder", "`schema: schemas/order.json`", ExitCode.OK, severity="warning"),
    "template-comparison": Entry("a comparison that fails, or (a warning) that has the same result for all values", "`{{ 'big' if user > 10 else 'small' }}`", ExitCode.INVALID),
    "template-condition": Entry("a condition is always true or always false", "`{% if status == 'new' or 'open' %}`", ExitCode.OK, severity="warning"),
    "template-datetime": Entry("a date where JSON or text is needed", "`{{ now() }}`", ExitCode.INVALID),
    "template-failed": Entry("an operation has no result", "`{{ 1 / 0 }}`", ExitCode.INVALID),
    "template-forbidden": Entry("something that templates must not do", "`{% include 'x' %}`", ExitCode.INVALID),
    "template-no-else": Entry("a value depends on a condition, and there is none where the condition does not hold", '`coupon: "{{ coupon if coupon }}"`', ExitCode.INVALID),
    "template-not-rendered": Entry("a template in a key (an error); or in a default, a description or a case, or in another tool's syntax (a warning)", "`$USER`, `{ user }`", ExitCode.INVALID),
    "template-not-text": Entry("a list or a map inside text", "`Bought: {{ items }}`", ExitCode.INVALID),
    "template-null": Entry("null inside text", "`Hello {{ name }}`", ExitCode.INVALID),
    "template-set-lost": Entry("a `set` inside a loop or block is used outside of it, where its value is lost", "a running total", ExitCode.OK, severity="warning"),
    "template-syntax": Entry("a template is not valid Jinja", "`{{ user`", ExitCode.INVALID),
    "template-too-large": Entry("a result, the work for one event, or all templates of a spec exceed a limit", "`{{ 'x' * 10000000 }}`", ExitCode.INVALID),
    "template-too-slow": Entry("rendering one event takes longer than two seconds", "loops in loops", ExitCode.INVALID, traits=Trait.MAY_PASS),
    "template-type": Entry("a value has the wrong type for its use", "`{{ items | map('upper') }}` without `list`", ExitCode.INVALID),
    "template-undefined": Entry("a name, key or index does not exist", "`{{ oder_id }}`", ExitCode.INVALID),
    "template-unknown-filter": Entry("there is no such filter", "`{{ user | uper }}`", ExitCode.INVALID),
    "template-unknown-function": Entry("there is no such function", "`{{ today() }}`", ExitCode.INVALID),
    "template-unknown-method": Entry("there is no such method", "`{{ user.zfill(8) }}`", ExitCode.INVALID),
    "template-unknown-test": Entry("there is no such test", "`{{ user is blank }}`", ExitCode.INVALID),
    "template-unquoted": Entry("an unquoted `{{`, which YAML reads as a map", "`user: {{ user }}`", ExitCode.INVALID),
    "template-unread": Entry("a template of the assets folder can't be read, so that its variables are not known", "`{{#if total}}` without its end", ExitCode.OK, severity="warning"),
    "template-variable": Entry("a template of a workflow needs a property that the spec never sends", "`Hello {{name}}`", ExitCode.OK, severity="warning"),
    "tenant-id": Entry("a tenant's id is blank, or not 1 to 64 letters, digits, `_` and `-`", "`tenant_id: my shop`", ExitCode.INVALID),
    "tenant-twice": Entry("both `tenant_id` and `brand_id` are set", "old name and new", ExitCode.INVALID),
    "test-data-unknown": Entry("test data names a node, category or channel that no file of the assets folder has", "`outcomes: {emial_1: delivery_failure}`", ExitCode.OK, severity="warning"),
    "timeout": Entry("a timeout is not a number of seconds greater than 0 and up to a day", "`Suprsend(…, timeout=-1)`", ExitCode.INVALID),
    "too-many-problems": Entry("a file has more than 100 problems; the others are counted", "a generated spec", ExitCode.INVALID),
    "unclear-answer": Entry("an answer that does not come from the platform: the event may have arrived", "a proxy's login page", ExitCode.REFUSED),
    "unformatted": Entry("a file is not in the canonical layout", "`runner fmt --check`, after `{a:   1}`", ExitCode.REFUSED),
    "unheard-event": Entry("no live workflow listens to the event of a spec", "`event: order_viewed`, without a workflow", ExitCode.INVALID),
    "unicode": Entry("text contains half of a surrogate pair", '`"\\ud83d"`', ExitCode.INVALID),
    "unknown-column": Entry("a column that belongs to no variable, or that the file does not have", "`usr,amount`", ExitCode.INVALID),
    "unknown-event": Entry("no file of the assets folder declares the event of a spec", "`event: order_plcaed`", ExitCode.INVALID),
    "unknown-key": Entry("a key that the format does not have", "`propertys:`", ExitCode.INVALID),
    "unknown-matcher": Entry("there is no such matcher", "`{$regex: …}`", ExitCode.INVALID),
    "unknown-variable": Entry("a value for a variable that no spec declares", "`--var oder_id=7`", ExitCode.INVALID),
    "unused-ignore": Entry("a comment ignores a rule that finds nothing there, or that does not exist", "`# runner: ignore no-cases`", ExitCode.OK, severity="advice"),
    "unused-label": Entry("a label stands twice, or a case has one that its spec has already", "`labels: [smoke, smoke]`", ExitCode.OK, severity="advice"),
    "unused-let": Entry("no template uses a `let`", "`let:` left over", ExitCode.OK, severity="warning"),
    "unused-variable": Entry("no template uses a declared variable", "`vars:` left over", ExitCode.OK, severity="warning"),
    "usage": Entry("wrong use of the command line", "`--vras user=u1`", ExitCode.USAGE),
    "var-missing": Entry("a variable has no value", "`render` without `--var user=…`", ExitCode.INVALID),
    "var-schema": Entry("a value breaks its variable's declaration", "`--var amount=-5`", ExitCode.INVALID),
    "var-type": Entry("text can't be converted to the declared type", "`--var amount=lots`", ExitCode.INVALID),
    "worker-died": Entry("the process that sent a row died; what became of the row is unknown", "out of memory", ExitCode.REFUSED),
    "workflow-command": Entry("a row would be taken for a command by a GitHub workflow that reads it", "`runs failed` in a workflow, a cell with `::stop-commands::`", ExitCode.INVALID),
    "workflow-coverage": Entry("the cases reach less of the workflows than `--coverage-min` asks for", "`runner test --coverage-min 90`", ExitCode.REFUSED),
    "workflow-invalid": Entry("a workflow file has a node, a condition or a property that the platform's format does not have", '`"node_type": "send_mail"`', ExitCode.INVALID),
    "workflow-unmodelled": Entry("a case's workflow does something that can't be modelled on this machine", "a fetch without `answers`", ExitCode.INVALID),
    "wrong-type": Entry("a value has another type than the format requires", "`labels: smoke`", ExitCode.INVALID),
    "yaml-alias": Entry("an alias has no anchor above it, or stands inside it", "`*order`", ExitCode.INVALID),
    "yaml-depth": Entry("values are nested more than 64 levels deep", "`[[[[…`", ExitCode.INVALID),
    "yaml-document": Entry("a file contains a second document", "`---`", ExitCode.INVALID),
    "yaml-key": Entry("a key is not text", "`[a, b]: 1`", ExitCode.INVALID),
    "yaml-merge-key": Entry("merge keys are not supported", "`<<: *base`", ExitCode.INVALID),
    "yaml-size": Entry("more than 100,000 values or 2 MiB of text, aliases written out", "an alias bomb", ExitCode.INVALID),
    "yaml-syntax": Entry("a file is not valid YAML", "a tab as indentation", ExitCode.INVALID),
    "yaml-tag": Entry("a tag other than `!!str`", "`!env TOKEN`", ExitCode.INVALID),
    "yaml-unsupported": Entry("valid YAML 1.2 that is not read here; write it another way", "`{user: :u1}`", ExitCode.INVALID),
}
# fmt: on


def page(code: Code) -> str:
    """Return the explanation of a code as Markdown: the reason, an example that is wrong and one that is right."""
    return (_PAGES / f"{code}.md").read_text("utf-8")


def table() -> str:
    """Return all codes with their meanings and examples as a Markdown table, sorted."""
    rows = [
        (f"`{code}`", entry.meaning + _SUFFIXES[entry.severity], entry.example)
        for code, entry in sorted(ENTRIES.items())
    ]
    lines = ["| code | meaning | for example |", "|---|---|---|"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join(lines) + "\n"


_SUFFIXES: Mapping[Severity, str] = {"error": "", "warning": " (a warning)", "advice": " (advice)"}


def _cell(text: str) -> str:
    return text.replace("|", r"\|")

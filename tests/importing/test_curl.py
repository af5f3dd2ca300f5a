"""Commands of curl in every quoting that shells and browsers write become the event of their body."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.importing.sample import Hole, Pieces
from runner.importing.sources import source_events
from tests.importing.imports import imported

if TYPE_CHECKING:
    from runner.importing.sample import Found
    from tests.conftest import CommandLine

EVENT = {"event": "order_placed", "distinct_id": "u1", "properties": {"name": 'Zoë\'s\n€5 \\ "tea" 😀', "amount": 80}}
BODY = json.dumps(EVENT, ensure_ascii=False)
ANSI = BODY.replace("\\", "\\\\").replace("'", "\\'").replace("ë", "\\u00eb").replace("😀", "\\ud83d\\ude00")
BYTES = BODY.replace("\\", "\\\\").replace("'", "\\'").replace("ë", "\\xc3\\xab").replace("€", "\\342\\202\\254")
SINGLE = BODY.replace("'", "'\\''")
DOUBLE = BODY.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
PLAIN = json.dumps(EVENT)
ARGUMENT = re.sub(r'(\\*)"', r'\1\1\\"', PLAIN)
CARETS = re.sub('[{}:&|<>%"^]', r"^\g<0>", ARGUMENT)
URL = "https://hub.example.com/event/"


def found(source: str, stdin: str = "") -> Found:
    return source_events(source, StringIO(stdin), None)


@pytest.mark.parametrize(
    "command",
    [
        f"curl {URL} -d '{SINGLE}'",
        f"curl '{URL}' \\\n  -H 'Content-Type: application/json' \\\n  --data-raw $'{ANSI}' \\\n  --compressed",
        f"curl {URL} --data-raw $'{BYTES}'",
        f'curl --json "{DOUBLE}" {URL}',
        f"$ API_KEY=x curl -X POST {URL} --data-binary='{SINGLE}' | jq .",
        f"# send it, it's new\ncurl -sS -d'{SINGLE}' {URL} && echo done",
        f"curl.exe {URL} --data-ascii '{SINGLE}'",
        f"curl -XPOST -h 'content-TYPE: application/json' {URL} -sSLd '{SINGLE}'",
        f"curl {URL} --json '{SINGLE[:20]}' --json '{SINGLE[20:]}'",
        f"curl {URL} \\\r\n  -H 'a: b' \\\r\n  -d '{SINGLE}'\r\n",
        f"curl {URL} -d @- <<'EOF'\n{BODY}\nEOF\n",
        f"curl {URL} --json @- <<-EOF\n{DOUBLE.replace(chr(92) + chr(34), chr(34))}\n\tEOF\n",
        f"curl {URL} --data-binary @- <<< '{SINGLE}'",
        f'curl {URL} -d "$(cat <<EOF\n{DOUBLE.replace(chr(92) + chr(34), chr(34))}\nEOF\n)"',
        f"curl {URL} -d \"$(cat <<'EOF'\n{BODY}\nEOF\n)\"",
        f"curl {URL} --data '{SINGLE}' # it's a comment",
        f"out=$(curl -s {URL} -d '{SINGLE}')",
        f'curl ^"{URL}^" ^\n  -H ^"a: b^" ^\n  --data-raw ^"{CARETS}^"\n',
        f'curl "{URL}" ^\r\n  --data-raw "{ARGUMENT}"\r\n',
        f"curl.exe {URL} `\n  -H 'a: b' `\n  --json '{PLAIN.replace(chr(39), chr(39) * 2)}'\n",
        f'curl.exe {URL} `\r\n  --json "{PLAIN.replace(chr(34), "`" + chr(34))}"\r\n',
    ],
)
def test_a_curl_command_gives_the_event_of_its_body(command: str) -> None:
    [sample] = found(command).samples
    assert (sample.event, sample.distinct_id, sample.properties) == ("order_placed", "u1", EVENT["properties"])
    assert found("-", stdin=command).samples[0].properties == EVENT["properties"]


def test_every_command_of_a_text_is_read_and_those_without_an_event_are_named(in_tmp: Path) -> None:
    (in_tmp / "README.md").write_text(
        f"""\
Ask for a token, or don't:

```sh
curl {URL} --json '{SINGLE}'
curl {URL}orders/1
  API_KEY=x curl -s {URL} -d '{SINGLE}' | jq .
curl {URL} -d 'user=u1&amount=80'
curl {URL} -F file=@a.pdf
curl {URL} -d @body.json
```

It's what curl does.
"""
    )
    events = source_events("README.md", StringIO(), None)
    assert [sample.origin for sample in events.samples] == ["README.md", "README.md, line 6"]
    assert events.notes == (
        "README.md, line 7: skipped: the body of the curl command is a form, not JSON",
        "README.md, line 8: skipped: the body of the curl command is a form, not JSON",
        "README.md, line 9: skipped: the body of the curl command is in a file",
    )


@pytest.mark.usefixtures("in_tmp")
def test_variables_of_the_shell_become_variables(cli: CommandLine) -> None:
    command = (
        f'curl {URL} -H "Authorization: Bearer $TOKEN" -d "{{\\"event\\": \\"order_placed\\", \\"distinct_id\\": \\"$USER_ID\\", '
        '\\"properties\\": {\\"amount\\": ${AMOUNT}, \\"at\\": \\"$(date +%F)T00:00\\", \\"price\\": \\"5 \\$\\"}}"'
    )
    [sample] = found(command).samples
    assert isinstance(sample.distinct_id, Hole)
    assert sample.distinct_id.name == "USER_ID"
    assert sample.properties["price"] == "5 $"
    assert isinstance(sample.properties["at"], Pieces)
    [text] = imported(cli, command).values()
    assert "# The command has a variable of the shell here, AMOUNT. Which values has it?" in text
    assert 'at: "{{ date }}T00:00"' in text
    assert "TOKEN" not in text


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize(
    ("command", "error"),
    [
        (f"curl {URL} \\\n -d '{{\n\"a\": 1,\n}}'", "error[json-syntax]: not valid JSON: expecting property name enclosed in double quotes\n --> a.sh:4:1"),
        (f"curl {URL} --data-urlencode 'a=1'", "error[import-source]: the body of the curl command is a form, not JSON\n --> a.sh:1:1"),
        (f'curl {URL} -d "$BODY"', "error[import-source]: the body of the curl command is the variable BODY\n --> a.sh:1:1\n  = write its text there"),
        (f"curl {URL} -d @-", "error[import-source]: the body of the curl command is its standard input\n --> a.sh:1:1"),
        (f"curl {URL} -d '{{}}'", "a.sh: not an event or a payload: expected a map with entries\nerror[import-source]: no events were found"),
        (f"curl {URL}", "error[import-source]: the curl command has no body"),
        (f'curl "{URL}" ^\n --data "{{', "error[json-syntax]: not valid JSON"),
    ],
)  # fmt: skip
def test_a_command_without_an_event_is_one_error_with_its_place(cli: CommandLine, command: str, error: str) -> None:
    Path("a.sh").write_text(command)
    ended = cli("import", "a.sh")
    assert (ended.code, ended.err[: len(error)]) == (2, error)

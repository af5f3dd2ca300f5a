"""What a specialized spec makes of a row is what the rooms for one event make of it, byte for byte; else it makes nothing."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
import yaml
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from runner.eventspec import Occurrence, Spec, load, specialize
from runner.eventspec.python_source import MAX_CELL
from runner.project import project_of
from runner.run import Prepared, prepare_with
from runner.variables import RowResolver

if TYPE_CHECKING:
    from runner.eventspec import Make
    from runner.source import Json
    from runner.suprsend.encoding import Encoded
    from runner.variables import Cells
    from tests.projects import Project

SEED = UUID("00000000-0000-4000-8000-000000000001")
NOW = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)
ENV = "workspace_key"
MAX_EVENT_KB = 100
REPOSITORY = Path(__file__).parents[2]


class Both:
    """A spec for rows of one layout, specialized and not."""

    def __init__(
        self,
        spec: Spec,
        header: tuple[str, ...] | None = None,
        fixed: dict[str, object] | None = None,
        columns: tuple[str, ...] | None = None,
        run: str | None = None,
    ) -> None:
        self.spec = spec
        self.run = run
        given_names = columns or header or tuple(variable.name for variable in spec.variables)
        self.resolver = RowResolver(spec.variables, fixed or {}, {name: name for name in given_names}, header)
        self.make: Make | None = specialize(spec, self.resolver, SEED, NOW, ENV, MAX_EVENT_KB, run)

    def slowly(self, row: Cells, number: int = 1) -> Encoded | None:
        """Make a row's event by way of each room; None if it can't be made."""
        values = self.resolver.resolve(row)
        made = prepare_with(values, self.spec, Occurrence(SEED, number, NOW), ENV, MAX_EVENT_KB, None, self.run)
        return made.encoded if isinstance(made, Prepared) else None

    def quickly(self, row: Cells, number: int = 1) -> Encoded | None:
        assert self.make is not None
        return self.make(row, number)

    def agree(self, row: Cells, number: int = 1) -> bool:
        """Tell whether the specialized spec makes the row's event; if it does, it must be the very same."""
        made = self.quickly(row, number)
        assert made in (None, self.slowly(row, number))
        return made is not None


HEAD = "version: 1\nvars: {user: {type: string}, n: {type: number}, flag: {type: boolean}, count: {type: integer}}\n"
FIELDS = "event: order_placed\ndistinct_id: '{{ user }}'\n"
HEADER = ("user", "n", "flag", "count")
PLAIN = ["u1", "10.5", "true", "7"]


def both(project: Project, rest: str, header: tuple[str, ...] | None = HEADER) -> Both:
    return Both(project.spec(HEAD + FIELDS + rest), header)


def test_each_row_of_the_orders_is_made() -> None:
    path = REPOSITORY / "specs" / "purchase.yaml"
    spec = load(path, project_of(path)).spec
    assert spec is not None
    header, *rows = csv.reader((REPOSITORY / "specs" / "orders.csv").read_text("utf-8").splitlines())
    pair = Both(spec, tuple(header))
    assert [pair.agree(row, number) for number, row in enumerate(rows, 1)] == [True] * 300


@pytest.mark.parametrize(
    ("key", "cell", "own"),
    [
        ("idempotency_key: ' {{ user }} '", "u1", "u1-20260102-030405-7f3a"),
        ("idempotency_key: 'k'", "u1", "k-20260102-030405-7f3a"),
        ("idempotency_key: auto", "u1", f"{Occurrence(SEED, 9, NOW).key}-20260102-030405-7f3a"),
        ("idempotency_key: null", "u1", "20260102-030405-7f3a-9"),
        ("idempotency_key: '{{ user }}'", "u" * 255, None),
    ],
)
def test_keys_of_a_run_are_the_same_either_way(project: Project, key: str, cell: str, own: str | None) -> None:
    pair = Both(project.spec(HEAD + FIELDS + key), HEADER, run="20260102-030405-7f3a")
    row = [cell, *PLAIN[1:]]
    assert pair.agree(row, 9)
    made = pair.quickly(row, 9)
    assert made is not None
    sent = json.loads(made.body)["$idempotency_key"]
    assert made.has_key
    assert sent == own if own else (len(sent) == 255 and sent.endswith("-20260102-030405-7f3a"))


def test_a_plain_row_is_made(project: Project) -> None:
    pair = both(
        project,
        "idempotency_key: '{{ user }}-{{ count }}'\ntenant_id: t-{{ count }}\n"
        "properties: {n: '{{ n }}', s: 'n={{ n }}', b: '{{ flag }}', t: 'is {{ flag }}', deep: [{a: '{{ user }}'}, 1, null]}\n"
        "attachments: ['https://x.example/{{ count }}.pdf', {url: 'https://x.example/a', filename: a.pdf, ignore_if_error: true}]\n"
        "schema: {type: object, properties: {n: {minimum: 1}}}\n",
    )
    assert pair.agree(PLAIN)
    assert pair.agree(["Zoë \U0001f600", "1e3", "false", "0"]) is False  # an exponent is left to the other rooms
    assert pair.agree(["Zoë \U0001f600", "-0.50", "false", "-7"]) is False  # the schema refuses it
    assert pair.agree(["Zoë \U0001f600", "2", "false", "-7"])


@pytest.mark.parametrize(
    "template",
    [
        "{{ n > 1000 }}", "{{ n > 5 and flag }}", "{{ not flag or n == count }}", "{{ 'a' if n > 5 else user }}",
        "{{ user ~ '-' ~ n ~ flag }}", "{{ 0 < n <= 10.5 }}", "{{ user == 'u1' }}", "{{ user }}{{ user }}", "{{ 7 }}",
        "{{ 'x' }}", "{{ true }}", "{{ user or 'nobody' }}", "x{{ user if flag else 'none' }}y", "{{ '{' ~ user ~ '}' }}",
        "{{ ('a{}' if flag else 'b{0}') ~ ('c' if n > 5 and '{' < user else 'd') }}",
    ],
)  # fmt: skip
def test_plain_expressions_are_written_out(project: Project, template: str) -> None:
    pair = both(project, yaml.safe_dump({"properties": {"a": template, "b": f"b{template}"}}))
    assert pair.agree(PLAIN)
    for row in (["", "5", "false", "5"], ["{0}", "1001", "true", "1001"], [" u ", "0", "false", "0"]):
        assert pair.agree(row) == (pair.slowly(row) is not None)


@pytest.mark.parametrize(
    "template",
    [
        "{{ user | upper }}", "{{ n + count }}", "{{ now() | isoformat }}", "{{ uuid4() }}", "{{ uuid5(user) }}", "{{ [n, user] }}",
        "{% if flag %}{{ user }}{% endif %}", "{{ {'a': n} }}", "{{ none }}", "{{ n > 1 and user }}", "{{ user[0] }}",
        "{{ [[[[n]]]] | tojson }}", "{{ flag and none }}",
    ],
)  # fmt: skip
def test_other_expressions_are_left_to_jinja(project: Project, template: str) -> None:
    properties = {"a": {"b": [template, "{{ uuid4() }}"]}}
    pair = both(project, yaml.safe_dump({"properties": properties, "idempotency_key": "{{ user | lower }}"}))
    assert pair.agree(PLAIN)
    assert pair.agree(["ÄÖ", "2", "false", "3"], 2)


@pytest.mark.parametrize(
    "row",
    [
        ["", "1", "true", "1"], [" \t", "1", "true", "1"], ["u1", "", "true", "1"], ["u1", " 1", "true", "1"],
        ["u1", "1_0", "true", "1"], ["u1", "\u0661", "true", "1"], ["u1", "1", "True", "1"], ["u1", "1", "true", "1.0"],
        ["u1", "9" * 400, "true", "1"], ["u1", "1", "true", "9" * 19], ["u" * (MAX_CELL + 1), "1", "true", "1"],
        ["\ud800", "1", "true", "1"], ["u" * 256, "1", "true", "1"], ["u1", "nan", "true", "1"], ["u1", "1e999", "true", "1"],
    ],
)  # fmt: skip
def test_a_row_that_is_not_plain_is_left_to_the_other_rooms(project: Project, row: list[str]) -> None:
    pair = both(
        project, "idempotency_key: '{{ user }}'\nproperties: {n: '{{ n }}', f: '{{ flag }}', c: '{{ count }}'}\n"
    )
    assert pair.agree(PLAIN)
    assert not pair.agree(row)


def test_rows_of_json_are_made_too(project: Project) -> None:
    pair = both(project, "properties: {n: '{{ n }}', s: 'n={{ n }}', c: '{{ count }}'}\n", None)
    plain: dict[str, Json] = {"user": "u1", "n": 10.5, "flag": True, "count": 7}
    assert pair.agree(plain)
    odd: list[dict[str, Json]] = [
        {"user": 5}, {"n": True}, {"n": 10**400}, {"n": 10**5000}, {"flag": 1}, {"count": 1.5}, {"user": None}, {"extra": 1},
    ]  # fmt: skip
    for change in odd:
        assert not pair.agree(plain | change) or change == {"extra": 1}
    assert pair.quickly(plain | {"extra": 1}) is None
    assert pair.quickly({"user": "u1"}) is None
    assert pair.agree(plain | {"count": 7.0})


def test_a_number_may_identify_a_user(project: Project) -> None:
    spec = project.spec(
        "version: 1\nvars: {id: {type: integer}}\nevent: seen\ndistinct_id: '{{ id }}'\nidempotency_key: '{{ id }}'\n"
    )
    assert Both(spec, ("id",)).agree(["42"])
    assert not Both(spec, ("id",)).agree(["4.5"])


def test_what_all_rows_share_is_put_in_its_places(project: Project) -> None:
    spec = project.spec(HEAD + FIELDS + "properties: {n: '{{ n }}', t: '{{ flag }}!', l: '{{ count }}'}\n")
    pair = Both(spec, ("user",), {"n": 1.5, "flag": False, "count": 3})
    assert pair.agree(["u1"])
    assert pair.agree(["u2"], 10**6)


def test_a_text_that_looks_like_a_stand_in_is_itself(project: Project) -> None:
    attachment = {"url": "https://x.example/a.pdf", "filename": "\0distinct_id\0"}
    pair = both(project, yaml.safe_dump({"attachments": [attachment], "properties": {"a": "\0event\0"}}))
    assert pair.agree(PLAIN)


@pytest.mark.parametrize("template", ["{{ n }} ", " {{ user }}", "\t{{ flag }}", "{{ user }}\u3000", "{{ count }}\n"])
def test_blanks_beside_an_expression_are_kept_by_the_quick_way_too(project: Project, template: str) -> None:
    pair = both(project, yaml.safe_dump({"properties": {"a": template}}))
    assert pair.agree(PLAIN)
    made = pair.quickly(PLAIN)
    assert made is not None
    whole = template
    for name, text in zip(HEADER, PLAIN, strict=True):
        whole = whole.replace(f"{{{{ {name} }}}}", text)
    assert json.loads(made.body)["properties"]["a"] == whole


def test_a_comment_is_an_empty_text(project: Project) -> None:
    assert both(project, "properties: {a: '{# nothing #}', b: 'x{# nothing #}y'}\n").agree(PLAIN)


def test_no_long_name_of_an_event_is_kept(project: Project) -> None:
    pair = Both(project.spec(HEAD + "event: '{{ user }}'\ndistinct_id: u1\n"), HEADER)
    assert pair.agree(["u" * 100, *PLAIN[1:]])
    assert not pair.agree(["u" * 101, *PLAIN[1:]])


@pytest.mark.parametrize(
    "rest",
    [
        "vars: {user: {type: string, secret: true}}\nevent: seen\ndistinct_id: '{{ user }}'\n",
        "vars: {user: {type: string}, token: {type: string}}\nevent: seen\ndistinct_id: '{{ user }}'\nproperties: {t: '{{ token }}'}\n",
        "vars: {user: {type: array}}\nevent: seen\ndistinct_id: '{{ user | first }}'\n",
        f"vars: {{user: {{type: string}}}}\nevent: seen\ndistinct_id: '{{{{ user }}}}'\nproperties: {{a: '{'{{ user }}' * 300}'}}\n",
        "vars: {user: {type: string}}\nevent: seen\ndistinct_id: u1\nproperties: {a: '{{ ("
        + "user ~ " * 300
        + "1) == user }}'}\n",
        "vars: {user: {type: string}}\nevent: seen\ndistinct_id: '{{ user }}'\nattachments: [{url: 'https://x.example', ignore_if_error: 'false'}]\n",
    ],
    ids=[
        "a secret",
        "a variable that no column gives",
        "a list",
        "too much text",
        "too much text in between",
        "no boolean",
    ],
)
def test_a_spec_that_is_not_plain_is_not_specialized(project: Project, rest: str) -> None:
    spec = project.spec("version: 1\n" + rest)
    assert Both(spec, ("user",)).make is None


def test_an_event_that_is_too_large_is_left_to_the_other_rooms(project: Project) -> None:
    cells = {f"c{number}": {"type": "string"} for number in range(40)}
    properties = {name: f"{{{{ {name} }}}}" for name in cells}
    content = yaml.safe_dump(
        {"version": 1, "vars": cells, "event": "seen", "distinct_id": "{{ c0 }}", "properties": properties}
    )
    pair = Both(project.spec(content), tuple(cells))
    assert pair.agree(["x" * 2000] * 40)
    assert not pair.agree(["x" * MAX_CELL] * 40)


_DOUBLING: dict[str, Json] = {
    "$ref": "#/$defs/a0",
    "$defs": {
        **{
            f"a{level}": {"allOf": [{"items": {"$ref": f"#/$defs/a{level + 1}"}}, {"prefixItems": [{"$ref": f"#/$defs/a{level + 1}"}]}]}
            for level in range(28)
        },
        "a28": {},
    },
}  # fmt: skip


def nested(value: Json, levels: int) -> Json:
    return nested([value], levels - 1) if levels else value


@pytest.mark.parametrize("declared", [{"type": "boolean"}, {}], ids=["boolean", "any"])
def test_no_cell_of_json_is_checked_without_bounds(project: Project, declared: dict[str, Json]) -> None:
    cells: dict[str, Json] = {"user": {"type": "string"}, "deep": {**_DOUBLING, **declared}}
    content: dict[str, Json] = {"version": 1, "vars": cells, "event": "seen", "distinct_id": "{{ user }}"}
    pair = Both(project.spec(yaml.safe_dump(content)), columns=("user", "deep"))
    assert not pair.agree({"user": "u1", "deep": nested(True, 28)})
    assert pair.agree({"user": "u1", "deep": True})


def test_no_properties_are_checked_without_bounds(project: Project) -> None:
    content: dict[str, Json] = {
        "version": 1, "vars": {"user": {"type": "string"}}, "event": "seen", "distinct_id": "{{ user }}",
        "properties": {"deep": nested("{{ user }}", 28)},
        "schema": {"properties": {"deep": {"$ref": _DOUBLING["$ref"]}}, "$defs": _DOUBLING["$defs"]},
    }  # fmt: skip
    pair = Both(project.spec(yaml.safe_dump(content)), ("user",))
    assert not pair.agree(["u1"])


_LOOKS_BACK: dict[str, Json] = {"pattern": r"^(\w+\s?)*\1$"}


def test_a_long_text_is_sought_for_no_longer_by_the_quick_way(project: Project) -> None:
    cells: dict[str, Json] = {"user": {"type": "string", **_LOOKS_BACK}, "other": {"type": "string"}}
    content: dict[str, Json] = {
        "version": 1, "vars": cells, "event": "seen", "distinct_id": "u1",
        "properties": {"a": "{{ other }}"}, "schema": {"properties": {"a": _LOOKS_BACK}},
    }  # fmt: skip
    pair = Both(project.spec(yaml.safe_dump(content)), ("user", "other"))
    for row in (["aa", "bb"], ["x y " * 1000 + "!", "bb"], ["aa", "x y " * 1000 + "!"], ["ab", "bb"]):
        assert pair.agree(row) == (pair.slowly(row) is not None)


_TEMPLATES = [
    "{{ user }}", "{{ n }}", "{{ flag }}", "{{ count }}", "{{ user }}-{{ count }}", "${{ n }}", "{{ n > count }}", "plain",
    "{{ user | upper }}", "{{ 'a' if flag else user }}", "{{ user ~ n }}", "{{ uuid4() }}", "{{ [user, n] }}", "{{ user or count }}",
    "{% if flag %}x{{ n }}{% endif %}", "{{ not user }}", "{{ n == 1 or flag }}", "https://x.example/{{ user }}.pdf", "{{ n / count }}",
    "{{ user if flag else omit }}", "{{ omit if n > 5 else count }}", "{{ same }}", "{{ same }}!", "{{ total }}", "{{ total }} in all",
    "{{ maybe }}", "{{ maybe if n > 1 else omit }}", "{{ shout }}", "{{ later | isoformat }}", "{{ lines }}", "{{ lines | length }}",
]  # fmt: skip
_DIRECTIVES: list[Json] = [
    {"$for": "i in range(3)", "$if": "i > 0", "$do": {"n": "{{ i * n }}", "u": "{{ user if i > 1 else omit }}"}},
    {
        "$for": "i in range(count)",
        "$do": {"$for": "j in range(i)", "$do": "{{ loop.index }}{{ maybe if flag else 'x' }}"},
    },
    {"$for": "line in lines", "$do": "{{ line.n if flag else omit }}"},
    {"$merge": ["{{ {'k': n, 'z': user} }}", {"z": "{{ maybe }}"}, "{{ omit if flag else {'f': flag} }}"]},
    {"$literal": {"$x": "{{ user }}", "y": [1, None]}},
]
_LETS: dict[str, Json] = {
    "total": "{{ n + count }}",
    "same": "{{ user }}",
    "maybe": "{{ user if flag else omit }}",
    "shout": "{{ same | upper }}",
    "later": "{{ now() + timedelta(days=count) }}",
    "lines": {"$for": "i in range(2)", "$do": {"n": "{{ i + n }}"}},
}
_NAMES = st.sampled_from(["a", "b", "ss", "Zoë", "with space", "{0}", 'quo"te', "it's", "back\\slash", "new\nline"])
_SHAPES = st.recursive(
    st.sampled_from(_TEMPLATES)
    | st.sampled_from(_DIRECTIVES)
    | st.integers(-5, 5)
    | st.booleans()
    | st.none()
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)
_DECLARATIONS = st.fixed_dictionaries({
    "user": st.sampled_from([{"type": "string"}, {"type": "string", "pattern": "^u"}, {"type": "string", "maxLength": 4}]),
    "n": st.sampled_from([{"type": "number"}, {"type": "number", "minimum": 0}]),
    "flag": st.just({"type": "boolean"}),
    "count": st.sampled_from([{"type": "integer"}, {"type": "integer", "exclusiveMinimum": 0}]),
})  # fmt: skip
_SPECS = st.fixed_dictionaries(
    {
        "vars": _DECLARATIONS,
        "event": st.sampled_from(["seen", "{{ user }}_seen", "{{ user }}", "seen {{ n }}"]),
        "distinct_id": st.sampled_from(["{{ user }}", "u-{{ count }}", "{{ count }}", "{{ user | lower }}", " {{ user }} "]),
        "properties": st.dictionaries(_NAMES, _SHAPES, max_size=4),
        "let": st.just(_LETS),
    },
    optional={
        "idempotency_key": st.sampled_from(["auto", "{{ user }}", "{{ user }}-{{ count }}", "{{ count }}", " {{ user }} "]),
        "tenant_id": st.sampled_from(["acme", "{{ user }}", "t{{ count }}", "{{ user | lower }}"]),
        "attachments": st.lists(st.sampled_from(["https://x.example/{{ user }}", "{{ user }}", "https://x.example/{{ n }}?a=b"]), max_size=2),
        "schema": st.sampled_from([{"type": "object", "properties": {"a": {"type": "string"}}}, {"maxProperties": 2}]),
    },
)  # fmt: skip
_ODD = st.tuples(
    st.text(max_size=8)
    | st.sampled_from(["https://x.example/a", " u ", "", "u" * 300, "SS_x", "$a", "\ud800", "{{7*7}}"]),
    st.sampled_from(["1e5", " 2 ", "", "x", "123456789012345678", "9" * 30, "-0", "00"]),
    st.sampled_from(["true", "false", "", "yes", " true"]),
    st.sampled_from(["1", "7", "-3", "0", "", "1.5", "99999999999999999999"]),
)
_PLAIN = st.tuples(
    st.sampled_from(["u1", "u2", "ab", "Zoë"]),
    st.sampled_from(["1", "10.5", "-3", "0.1"]),
    st.sampled_from(["true", "false"]),
    st.sampled_from(["1", "7", "-3"]),
)
_CELLS = _PLAIN | _ODD


@seed(5)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=_SPECS, rows=st.lists(_CELLS, min_size=1, max_size=8))
def test_whatever_the_spec_and_the_rows_nothing_else_is_made(
    project: Project, document: dict[str, Json], rows: list[tuple[str, ...]]
) -> None:
    loaded = project.load(yaml.safe_dump({"version": 1, **document}, allow_unicode=True))
    if loaded.spec is None:
        return
    pair = Both(loaded.spec, HEADER)
    if pair.make is not None:
        for number, row in enumerate(rows, 1):
            pair.agree(list(row), number)

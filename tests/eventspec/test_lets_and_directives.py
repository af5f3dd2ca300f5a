"""`let`, `$for`, `$merge`, `$literal` and `omit`: what they give, what they are refused, and where a fault is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from runner.source import Json
    from tests.projects import Project

HEAD = """\
version: 1
vars:
  user: {type: string, default: u1}
  coupon: {type: [string, "null"], default: null}
  items: {type: array, default: []}
  extra: {type: object, default: {}}
event: order_placed
distinct_id: "{{ user }}"
"""
ITEMS: Json = [
    {"name": "tea", "qty": 2, "price": 1.5},
    {"name": "cup", "qty": 0, "price": 4},
    {"name": "pot", "qty": 1, "price": 20},
]
VALUES: dict[str, Any] = {"user": "u1", "coupon": None, "items": ITEMS, "extra": {"a": 1, "z": 0}}


def properties(project: Project, rest: str, **values: Any) -> object:
    return project.render(HEAD + rest, **{**VALUES, **values}).properties


def refusals(project: Project, rest: str, **values: Any) -> list[str]:
    return project.refusals(HEAD + rest, **{**VALUES, **values})


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        # let
        ("let: {total: \"{{ items | sum(attribute='price') }}\"}\nproperties: {a: '{{ total }}', b: '{{ total }}!'}", {"a": 25.5, "b": "25.5!"}),
        ("let: {b: '{{ a + 1 }}', a: '{{ 1 }}'}\nproperties: {x: '{{ b }}'}", {"x": 2}),
        ("let: {m: {k: '{{ user }}', l: [1, '{{ user }}']}}\nproperties: {x: '{{ m }}', y: '{{ m.l[1] }}'}", {"x": {"k": "u1", "l": [1, "u1"]}, "y": "u1"}),
        ("let: {when: '{{ now() + timedelta(days=1) }}'}\nproperties: {x: '{{ when | isoformat }}'}", {"x": "2026-01-03T03:04:05+00:00"}),
        ("let: {days: {next: '{{ now() + timedelta(days=1) }}'}}\nproperties: {x: '{{ days.next.day }}'}", {"x": 3}),
        ("let: {names: \"{{ items | map(attribute='name') }}\"}\nproperties: {x: '{{ names | first }}', y: '{{ names | length }}'}", {"x": "tea", "y": 3}),
        ("let: {text: '{% for i in items %}{{ i.name }},{% endfor %}'}\nproperties: {x: '{{ text }}'}", {"x": "tea,cup,pot,"}),
        ("let: {plain: 7}\nproperties: {x: '{{ plain * 2 }}'}", {"x": 14}),
        # omit
        ("properties: {a: '{{ coupon if coupon else omit }}', b: 1}", {"b": 1}),
        ("properties: {a: \"{{ coupon | default(omit, true) }}\", b: [1, '{{ omit }}', 2]}", {"b": [1, 2]}),
        ("properties: {a: {b: {c: '{{ omit }}'}}}", {"a": {"b": {}}}),
        ("let: {c: '{{ coupon if coupon else omit }}'}\nproperties: {a: '{{ c }}', b: 1}", {"b": 1}),
        ("let: {m: {a: '{{ omit }}', b: 2}}\nproperties: {m: '{{ m }}'}", {"m": {"b": 2}}),
        # $for
        ("properties: {x: {$for: i in items, $do: '{{ i.name }}'}}", {"x": ["tea", "cup", "pot"]}),
        ("properties: {x: {$for: i in items, $if: i.qty > 0, $do: {n: '{{ i.name }}', t: '{{ i.qty * i.price }}'}}}",
         {"x": [{"n": "tea", "t": 3.0}, {"n": "pot", "t": 20}]}),
        ("properties: {x: {$for: \"k, v in extra.items()\", $do: '{{ k }}={{ v }}'}}", {"x": ["a=1", "z=0"]}),
        ("properties: {x: {$for: i in items, $if: i.qty, $do: '{{ loop.index }}/{{ loop.length }}'}}", {"x": ["1/2", "2/2"]}),
        ("properties: {x: {$for: i in items, $do: '{{ i.name if i.qty else omit }}'}}", {"x": ["tea", "pot"]}),
        ("properties: {x: {$for: i in range(3), $do: {$for: j in range(i), $do: '{{ i }}{{ j }}'}}}", {"x": [[], ["10"], ["20", "21"]]}),
        ("properties: {x: {$for: i in items, $do: {$merge: ['{{ i }}', {u: '{{ user }}'}]}}}", {"x": [{**item, "u": "u1"} for item in ITEMS]}),  # type: ignore[dict-item, union-attr]
        ("properties: {x: {$for: \"user in ['a']\", $do: '{{ user }}'}, y: '{{ user }}'}", {"x": ["a"], "y": "u1"}),
        ("properties: {x: {$for: i in items, $do: '{% if i.qty %}{{ i.name }}{% endif %}'}}", {"x": ["tea", "", "pot"]}),
        ("properties: {x: {$for: 'i in []', $do: '{{ i }}'}}", {"x": []}),
        ("let: {l: {$for: i in items, $do: {t: '{{ i.qty * i.price }}'}}}\nproperties: {sum: \"{{ l | sum(attribute='t') }}\"}", {"sum": 23.0}),
        # $merge
        ("properties: {x: {$merge: ['{{ extra }}', {z: 2, y: '{{ user }}'}]}}", {"x": {"a": 1, "z": 2, "y": "u1"}}),
        ("properties: {$merge: ['{{ extra }}', {z: 2}]}", {"a": 1, "z": 2}),
        ("properties: {x: {$merge: ['{{ extra if coupon else omit }}', {b: 1}]}}", {"x": {"b": 1}}),
        ("properties: {x: {$merge: []}}", {"x": {}}),
        ("properties: '{{ extra }}'", {"a": 1, "z": 0}),
        # $literal
        ("properties: {x: {$literal: {$k: '{{ user }}', l: [1, null, '${USER}']}}}", {"x": {"$k": "{{ user }}", "l": [1, None, "${USER}"]}}),
        ("properties: {x: {$literal: '{{ user }}'}}", {"x": "{{ user }}"}),
        ("properties: {$literal: {a: '{{ user }}'}}", {"a": "{{ user }}"}),
    ],
)  # fmt: skip
def test_what_they_give(project: Project, rest: str, expected: object) -> None:
    assert properties(project, rest) == expected


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("let: {user: 1}\nproperties: {x: '{{ user }}'}",
         ["9:7-11 error[reserved-name] 'user' can't be the name of a let: it is the name of a variable (choose another name) @let.user"]),
        ("let: {now: 1}\nproperties: {x: '{{ now() }}'}",
         ["9:7-10 error[reserved-name] 'now' can't be the name of a let: it is the name of something else in templates (choose another name) @let.now"]),
        ("let: {a: '{{ b }}', b: '{{ a }}'}\nproperties: {x: '{{ a }}'}",
         ["9:7-8 error[let-cycle] 'a' needs itself: a → b → a (compute one of them from variables alone) @let.a"]),
        ("let: {a: 1}", ["9:7-8 warning[unused-let] no template uses the let 'a' @let.a"]),
        ("let: {a: '{{ usr }}'}\nproperties: {x: '{{ a }}'}", ["9:14-17 error[template-undefined] variable 'usr' is not defined (did you mean 'user'?)"]),
        ("let: {_a: 1}", ["9:7-9 error[bad-value] '_a' can't be a name here: it does not match ^[A-Za-z][A-Za-z0-9_]*$ @let._a"]),
        ("idempotency_key: '{{ omit }}'",
         ["9:19-29 error[directive] idempotency_key can't be left out by omit (null sends without a key) @idempotency_key"]),
        ("properties: {x: 'a {{ omit }}'}", []),
        ("properties: {x: {$for: i in items, $do: '{{ j }}'}}", ["9:45-46 error[template-undefined] variable 'j' is not defined (known here: user, coupon, items, extra)"]),
        ("properties: {x: {$for: i in itms, $do: 1}}", ["9:29-33 error[template-undefined] variable 'itms' is not defined (did you mean 'items'?)"]),
        ("properties: {x: {$for: 'i in items %}{% endfor %}{{ user }}{% for i in items', $do: 1}}", ["9:25-77 error[directive] $for expects a name and a list (such as: item in items)"]),
        ("properties: {x: {$for: i in items if i, $do: 1}}", ["9:24-39 error[directive] $for expects a name and a list (such as: item in items)"]),
        ("properties: {x: {$for: i in items, $if: 'i }}{{ i', $do: 1}}", ["9:42-50 error[directive] $if expects an expression (such as: item.quantity > 0, without braces)"]),
        ("properties: {x: {$for: i in items, $if: 'i.qty >', $do: 1}}", ["9:48-49 error[template-syntax] an expression is missing here"]),
        ("properties: {x: {$for: now in items, $do: 1}}", ["9:24-27 error[template-forbidden] 'now' can't be set"]),
        ("properties: {$for: i in items, $do: 1}", ["9:13-14 error[wrong-type] 'properties' must be a map, not a list (write a map, or a lone expression that gives one: \"{{ payload }}\") @properties"]),
        ("properties: 'x{{ extra }}'", ["9:13-27 error[wrong-type] 'properties' must be a map, not text (write a map, or a lone expression that gives one: \"{{ payload }}\") @properties"]),
        ("attachments: {$merge: []}", ["9:14-15 error[wrong-type] 'attachments' must be a list, not a map (write a list, or a $for) @attachments"]),
    ],
)  # fmt: skip
def test_validate_finds(project: Project, rest: str, told: list[str]) -> None:
    unused = "warning[unused-variable]"
    found = [line.removeprefix("spec.yaml:") for line in project.problems(HEAD + rest) if unused not in line]
    assert [line.partition(" (known here")[0] for line in found] == [line.partition(" (known here")[0] for line in told]


@pytest.mark.parametrize(
    ("rest", "values", "told"),
    [
        ("properties: {x: {$for: i in items, $do: {t: '{{ i.total }}'}}}", {"items": [{"total": 1}, {"totl": 2}]},
         ["9:51-56 error[template-undefined] there is no key 'total' here (did you mean 'totl'?) @properties.x[1].t"]),
        ("properties: {x: {$for: i in items, $if: i.on, $do: 1}}", {"items": [{"on": True}, {}]},
         []),
        ("properties: {x: {$for: i in items, $if: i.qty > 1, $do: 1}}", {"items": [{"qty": 1}, {"qty": "1"}]},
         ["9:41-50 error[template-failed] text > a number is not supported @properties.x[1]"]),
        ("properties: {x: {$for: i in user, $do: 1}}", {}, ["9:24-33 error[template-type] $for goes through a list, and this is text"]),
        ("properties: {x: {$for: i in items, $do: {$for: j in i, $do: '{{ j + 1 }}'}}}", {"items": [[1], [2, "x"]]},
         ["9:65-70 error[template-failed] @properties.x[1][1]"]),
        ("properties: {x: {$merge: ['{{ extra }}', '{{ items }}']}}", {},
         ["9:46-51 error[template-type] a map is expected here, and this is a list"]),
        ("properties: '{{ items }}'", {}, ["9:17-22 error[template-type] a map is expected here, and this is a list"]),
        ("properties: {x: 'a {{ omit }}'}", {},
         ["9:23-27 error[template-type] omit inside text (it leaves out a whole value, so it must be the whole template)"]),
        ("properties: {x: '{{ [omit] }}'}", {}, ["9:21-27 error[template-type] omit stands for a whole value"]),
        ("let: {a: '{{ items[9].x }}', b: '{{ a }}'}\nproperties: {x: '{{ b }}', y: '{{ nope }}'}".replace("nope", "extra.q"), {},
         ["9:14-24 error[template-undefined] there is no item 9 in a list of 3", "10:41-42 error[template-undefined] there is no key 'q' here"]),
        ("attachments: '{{ user }}'", {}, ["9:14-26 error[wrong-type] attachments must be a list, not text (its keys are url, filename and ignore_if_error) @attachments"]),
        ("attachments: {$for: i in items, $do: {url: 'https://x.example/a', name: x}}", {},
         ["9:14-15 error[wrong-type] an attachment has no key 'name' (its keys are url, filename and ignore_if_error) @attachments[0]"]),
        ("attachments: '{{ items }}'", {"items": [1]},
         ["9:14-27 error[wrong-type] an attachment must be a URL or a map, not a number (its keys are url, filename and ignore_if_error) @attachments[0]"]),
        ("attachments: [\"{{ coupon if coupon else omit }}\", '{{ user }}']", {}, ["9:51-63 error[attachment-url] 'u1' is not an http(s) URL @attachments[1].url"]),
        ("schema: {properties: {x: {items: {properties: {t: {type: string}}}}}}\nproperties: {x: {$for: i in items, $do: {t: '{{ i.qty }}'}}}", {},
         ["10:45-58 error[schema-violation] 't' must be text, not a number", "10:45-58 error[schema-violation]", "10:45-58 error[schema-violation]"]),
    ],
)  # fmt: skip
def test_a_fault_is_reported_at_its_place_with_its_item(
    project: Project, rest: str, values: dict[str, Any], told: list[str]
) -> None:
    if not told:
        told = ["error[template-undefined]"]
    found = [line.removeprefix("spec.yaml:") for line in refusals(project, rest, **values)]
    assert len(found) == len(told)
    for line, expected in zip(found, told, strict=True):
        start, _, end = expected.partition(" @")
        assert start in line
        assert line.endswith(f"@{end}" if end else "")


def test_omit_leaves_out_the_tenant_and_the_attachment(project: Project) -> None:
    rest = (
        "tenant_id: '{{ coupon if coupon else omit }}'\n"
        "attachments: [\"{{ coupon if coupon else omit }}\", {url: 'https://x.example/a', filename: '{{ omit }}'}]\n"
    )
    event = project.render(HEAD + rest, **VALUES)
    assert (event.tenant_id, [tuple(each) for each in event.attachments]) == (
        None,
        [("https://x.example/a", None, False)],
    )
    named = project.render(
        HEAD + rest.replace('["{{ coupon', '["https://x.example/{{ coupon'), **{**VALUES, "coupon": "c"}
    )
    assert (named.tenant_id, len(named.attachments)) == ("c", 2)


def test_a_blank_tenant_is_an_error_and_not_left_out(project: Project) -> None:
    assert (
        "error[tenant-id] tenant_id is blank"
        in refusals(project, "tenant_id: '{{ coupon or omit if false else \"\" }}'\n")[0]
    )


def test_attachments_come_from_a_list(project: Project) -> None:
    rest = "attachments: {$for: i in items, $if: i.qty > 0, $do: {url: 'https://x.example/{{ i.name }}.pdf', filename: '{{ i.name }}.pdf'}}\n"
    event = project.render(HEAD + rest, **VALUES)
    assert [each.filename for each in event.attachments] == ["tea.pdf", "pot.pdf"]
    event = project.render(
        HEAD + "attachments: '{{ items }}'\n",
        **{**VALUES, "items": ["https://x.example/a", {"url": "https://x.example/b"}]},
    )
    assert [each.url for each in event.attachments] == ["https://x.example/a", "https://x.example/b"]


def test_a_let_is_computed_once_an_event(project: Project) -> None:
    found = project.render(
        HEAD + "let: {id: '{{ uuid4() }}'}\nproperties: {a: '{{ id }}', b: '{{ id }}', c: '{{ uuid4() }}'}", **VALUES
    )
    assert found.properties["a"] == found.properties["b"] != found.properties["c"]


def test_a_spec_without_vars_takes_no_let_for_a_variable(project: Project) -> None:
    spec = project.spec("version: 1\nlet: {a: '{{ b }}'}\nevent: seen\ndistinct_id: '{{ a }}{{ user }}'\n")
    assert [variable.name for variable in spec.variables] == ["b", "user"]


@pytest.mark.parametrize(
    ("rest", "count"),
    [
        ("let: {w: '{{ token }}'}\nproperties: {x: '{{ w }}'}", 0),
        ("let: {w: '{{ token }}'}\nproperties: {x: '{{ w[2:] }}'}", 1),
        ("let: {w: {a: '{{ token }}'}}\nproperties: {x: '{{ w.a }}', y: '{{ w.a[1] }}'}", 1),
        ("let: {w: '{{ token }}', v: '{{ w }}-'}\nproperties: {x: '{{ v | upper }}', y: '{{ v | sha256 }}', z: '{{ v | truncate(4) }}'}", 1),
        ("properties: {x: {$for: 't in [token]', $do: '{{ t }}'}}", 0),
        ("properties: {x: {$for: 't in [token]', $do: '{{ t[1:] }}'}}", 1),
        ("properties: {x: {$for: 't in [token]', $do: {$for: 'u in [t]', $do: '{{ u[1:] }}'}}}", 1),
        ("properties: {x: {$merge: [{a: '{{ token }}'}, {b: '{{ token[1:] }}'}]}}", 1),
        ("properties: {x: '{{ user | hmac_sha256(token) }}'}", 0),
        ("properties: {x: '{{ token | b64encode }}'}", 0),
        ("properties: {x: '{{ token | b64encode | b64encode }}'}", 1),
        ("properties: {x: \"{{ token | regex_replace('a', 'b') }}\"}", 1),
        ("properties: {x: '{{ token | slugify }}'}", 1),
    ],
)  # fmt: skip
def test_secrets_stay_secret_through_lets_and_loops(project: Project, rest: str, count: int) -> None:
    head = "version: 1\nvars: {user: {type: string}, token: {type: string, secret: true}}\nevent: seen\ndistinct_id: '{{ user }}'\n"
    assert [line.split()[1] for line in project.problems(head + rest)] == ["warning[secret-transformed]"] * count

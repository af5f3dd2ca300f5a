"""A template that lets out less or something else than a whole secret is warned of; one that inserts it whole is not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Project

HEAD = """\
version: 1
event: ab
distinct_id: u1
vars:
  otp: {type: string, secret: true}
  pin: {type: integer, secret: true}
  card: {type: object, secret: true}
  codes: {type: array, secret: true}
  any: {secret: true}
  key: {type: string, env: KEY}
  open: {type: string, env: KEY, secret: false}
  sum: {type: number, secret: true}
"""
CUT = """
{{ otp[:3] }}-{{ otp[3:] }}
{{ otp[0] }}
{% set ns = namespace(x=otp[:3]) %}{{ ns.x }}
{% set ns = namespace() %}{% for i in range(2) %}{{ ns.x | default('') }}{% set ns.x = otp[:3] %}{% endfor %}
{{ otp[::-1] }}
{% for c in otp %}{{ loop.nextitem | default('') }}-{% endfor %}
{% for c in otp %}{{ loop.previtem | default('') }}{% endfor %}
{{ ([otp] | tojson)[2:9] }}
{% for c in codes | tojson %}{{ c }}-{% endfor %}
{{ {'x': otp} | tojson | list | join('_') }}
{{ otp | int(0, 16) }}
{{ otp | int }}
{{ otp | float }}
{{ otp | trim('ab') }}
{{ otp | trim(chars=open) }}
{% filter trim('a') %}{{ otp }}{% endfilter %}
{{ codes | map('trim', 'a') | join }}
{{ codes | map('int') | join }}
{{ codes | map(attribute=0) | join }}
{{ codes | map(attribute=open) | join }}
{{ codes | join('', attribute=1) }}
{{ codes | join('', 1) }}
{{ [card] | map(attribute='number.0') | join }}
{{ [card] | groupby('number.0') }}
{{ codes | groupby(0) }}
{{ sum | int }}
{{ '%d' | format(sum) }}
{{ '%i' % any }}
{{ '%05d' % card.amount }}
{{ otp | truncate(3) }}
{{ otp | reverse }}
{{ otp | list | join(' ') }}
{{ otp | join(' ') }}
{{ otp | first }}
{{ otp | max }}
{{ otp | batch(2) | list }}
{{ otp | replace('a', 'b') }}
{{ otp | striptags }}
{{ otp.split('-')[0] }}
{{ otp.strip('a') }}
{{ otp.removeprefix('a') }}
{{ otp.partition('-') }}
{{ otp * 1 ~ otp[:1] }}
{{ ('a' ~ otp)[:3] }}
{{ (otp | upper)[:2] }}
{{ (otp if open else 'a')[:2] }}
{{ (otp | default('a'))[:2] }}
{{ (open or otp)[:2] }}
{{ [otp[:1], 1] | join }}
{{ {'a': otp}['a'][:2] }}
{{ [otp, 1][0][:2] }}
{{ {otp[:2]: 1} }}
{{ '%.3s' | format(otp) }}
{{ '%.3s' % otp }}
{{ '%x' % pin }}
{{ '%.2f' | format(pin) }}
{{ open | format(otp) }}
{{ pin + 1 }}
{{ 1 - pin }}
{{ pin // 10 ~ '' }}
{{ pin % 10 }}
{{ -pin }}
{{ pin | abs }}
{{ pin | round(-2) }}
{{ range(pin) | list }}
{{ card.number[:4] }}
{{ card['number'] | reverse }}
{{ card.get('number')[:2] }}
{{ codes[0][:2] }}
{{ codes | map('truncate', 2) | join }}
{{ any[0] }}
{{ key[:2] }}
{% for char in otp %}{{ char }} {% endfor %}
{% for code in codes %}{{ code[:2] }}{% endfor %}
{% for name, value in card.items() %}{{ value[:2] }}{% endfor %}
{% set x = otp %}{{ x[1:] }}
{% set x = otp[1:] %}{{ x }}
{% set x %}a{{ otp }}{% endset %}{{ x[:4] }}
{% set x | truncate(4) %}{{ otp }}{% endset %}{{ x }}
{% set x, y = otp, 1 %}{{ x[:4] }}
{% with y = otp[:2] %}{{ y }}{% endwith %}
{% filter truncate(4) %}{{ otp }}{% endfilter %}
{% if open %}{{ otp[:1] }}{% endif %}
{% if open %}{% elif otp %}{{ otp[:1] }}{% else %}{{ otp[1:] }}{% endif %}
"""
WHOLE = """
{% set ns = namespace(x=otp) %}{% set ns.y = pin %}{{ ns.x }}{{ ns.y }}
{{ otp }}{{ pin }}{{ card }}{{ codes }}{{ any }}{{ key }}
a{{ otp }}b
{{ otp ~ '-' ~ pin }}
{{ 'a' + otp + 'b' }}
{{ otp * 2 }}
{{ otp | upper | lower | title | capitalize }}
{{ otp.upper() ~ otp.strip() ~ otp.swapcase() }}
{{ otp | urlencode }}{{ otp | e }}{{ otp | forceescape }}{{ otp | tojson }}{{ otp | string }}{{ otp | trim }}
{{ otp | wordwrap(4) }}{{ otp | indent }}{{ otp | center(30) }}
{{ {'t': otp} | tojson | e }}
{{ {'t': otp} | urlencode }}
{{ otp | default('x') }}{{ otp or 'x' }}
{{ open | default(otp) }}{{ 'a' | replace('a', otp) }}
{{ '%s-%d-%%' | format(otp, pin) }}{{ '<%s>' % otp }}{{ '%(a)s' | format(a=otp) }}
{{ (otp ~ open) | sha256 }}{{ uuid5(otp) }}
{{ otp | length }}{{ otp.startswith('a') }}{{ otp is string }}{{ not otp }}
{{ 1 if otp[0] == 'a' else 2 }}
{% if otp[:2] == 'ab' %}x{% endif %}
{% set x = otp %}{{ x }}
{% for each in [otp, pin] %}{{ loop.index }}{{ each }}{% endfor %}
{% for code in codes | sort %}{{ code }}{% endfor %}
{% for name, value in card.items() %}{{ name }}{{ value }}{% endfor %}
{{ card.number }}{{ card['number'] }}{{ card.get('number') }}{{ card.values() | list }}
{{ codes[0] }}{{ codes | first }}{{ codes | last }}{{ codes[:2] | join(', ') }}{{ codes | reverse | list }}
{{ codes | map('upper') | join }}{{ codes | map(attribute='a') | list }}{{ codes | unique | list }}
{{ open[:2] }}{{ open | reverse }}{% for char in open %}{{ char }}{% endfor %}
{{ pin | string }}{{ pin | float }}{{ pin | int }}{{ '%05d' % pin }}
{{ sum | float }}{{ '%s' % sum }}
{{ [card] | map(attribute='number') | join }}{{ codes | join(', ') }}{{ [card] | groupby('number') | list }}
"""


def warned(project: Project, template: str) -> list[str]:
    project.write("runner.yaml", "env_allowed: [KEY]\n")
    content = HEAD + f"properties:\n  a: >-\n    {template}\n"
    found = project.load(content).problems
    assert {problem.code for problem in found} <= {"secret-transformed", "unused-variable"}, found
    return [problem.message for problem in found if problem.code == "secret-transformed"]


@pytest.mark.parametrize("template", CUT.strip().splitlines())
def test_a_part_of_a_secret_is_warned_of(project: Project, template: str) -> None:
    [message] = warned(project, template)
    assert message.startswith("a part of the secret '")


@pytest.mark.parametrize("template", WHOLE.strip().splitlines())
def test_a_whole_secret_is_not_warned_of(project: Project, template: str) -> None:
    assert warned(project, template) == []


def test_the_warning_stands_where_the_secret_is_cut(project: Project) -> None:
    content = (
        "version: 1\nevent: ab\ndistinct_id: u1\nvars: {otp: {type: string, secret: true}}\n"
        "properties: {a: 'Code {{ otp[:3] }}-{{ otp[3:] }}', b: \"{% set x = otp %}{{ x[1:] }}\"}\n"
    )
    told = "warning[secret-transformed] a part of the secret 'otp', or a text made from it, is not masked"
    hint = "(insert the whole secret, or declare the inserted text as a secret variable)"
    assert project.problems(content) == [f"spec.yaml:5:26-29 {told} {hint}", f"spec.yaml:5:77-78 {told} {hint}"]


def test_a_secret_of_a_base_that_the_spec_cuts_is_warned_of(project: Project) -> None:
    project.write("_base.yaml", "vars: {otp: {type: string, secret: true}}\n")
    content = "extends: _base.yaml\nversion: 1\nevent: ab\ndistinct_id: '{{ otp[:3] }}'\n"
    assert [problem.code for problem in project.load(content).problems] == ["secret-transformed"]


@pytest.mark.parametrize(
    "declared",
    [
        "{type: string, default: abc}", "{type: integer, default: 123}", "{maxLength: 3}", "{enum: [abcdef, ab]}",
        "{const: a}", "{type: number, default: 1.5}",
    ],
)  # fmt: skip
def test_a_secret_that_is_too_short_to_be_masked_is_warned_of(project: Project, declared: str) -> None:
    content = f"version: 1\nevent: ab\ndistinct_id: '{{{{ pin }}}}'\nvars: {{pin: {{secret: true, {declared[1:]}}}\n"
    [problem] = project.load(content).problems
    assert (problem.code, problem.severity, problem.at) == ("secret-too-short", "warning", "vars.pin")


@pytest.mark.parametrize(
    "declared", ["{type: string, default: abcd}", "{maxLength: 4}", "{type: boolean, default: true}", "{default: ''}"]
)
def test_a_secret_that_is_long_enough_is_not_warned_of(project: Project, declared: str) -> None:
    content = f"version: 1\nevent: ab\ndistinct_id: 'u{{{{ pin }}}}'\nvars: {{pin: {{secret: true, {declared[1:]}}}\n"
    assert project.load(content).problems == ()


def test_hostile_templates_are_followed_in_time(project: Project) -> None:
    sets = "".join(f"{{% set x{n + 1} = [x{n}, x{n}, otp] %}}" for n in range(300))
    content = HEAD + f'properties:\n  a: "{{% set x0 = otp %}}{sets}{{{{ x300[0][0] | length }}}}"\n'
    start = time.process_time()
    project.load(content)
    assert time.process_time() - start < 3


def test_secrets_that_are_too_many_to_be_followed_are_told_where_they_are_read(project: Project) -> None:
    names = [f"o{number}" for number in range(90)]
    variables = ", ".join(f"{name}: {{type: array, secret: true}}" for name in names)
    start = time.process_time()
    loaded = project.load(
        f"version: 1\nevent: ab\ndistinct_id: u1\nvars: {{{variables}}}\nproperties:\n"
        f"  a: '{{% set a = {'~'.join(names)} %}}{'{% set a = a[0]~a %}' * 800}'\n"
    )
    assert time.process_time() - start < 2
    assert {problem.code for problem in loaded.problems} == {"secret-transformed"}
    assert len(loaded.problems) == len(names)


@pytest.mark.parametrize("deep", ["otp and ", "1 + ", "otp ~ 1 + "])
def test_an_expression_that_goes_deep_is_followed(project: Project, deep: str) -> None:
    [message] = warned(project, f"{{{{ {deep * 90}otp[:3] }}}}")
    assert message.startswith("a part of the secret '")

"""Random templates that compose operations on large values, by a seed: each is small, and asks for as much as it can.

The letters of the grammar: T gives a text, L a list, M a map, N a number or a boolean, A any of them, B a name.
"""

from __future__ import annotations

import random
import re

VARIABLES: dict[str, object] = {
    "text": "ab " * 300_000,
    "letters": "日本 " * 200_000,
    "signs": "\U0001f600" * 200_000,
    "numbers": list(range(50_000)),
    "words": [f"w{number}" for number in range(20_000)],
    "same": ["x" * 1000] * 500,
    "records": [{"name": f"n{number % 7}", "age": number % 100, "tags": ["a", "b"]} for number in range(5000)],
    "mapping": {f"k{number}": number for number in range(20_000)},
}

_SMALL = {
    "T": ("text", "letters", "signs", "'a'", "'ab '", "'%s'", "'%999d'", "'-'", "'<a>'", "'&'", "'\\u2028'", "'{}'"),
    "L": ("numbers", "words", "same", "records", "range(100000)", "[]", "[1, 2]", "['x', [1]]"),
    "M": ("mapping", "{}", "{'a': numbers}"),
    "N": ("7", "2 ** 100", "-1", "1.5", "100000", "true"),
}
_RULES = {
    "T": (
        "(T).upper()", "(T).title()", "(T).casefold()", "(T).strip(T)", "(T).lstrip(T)", "(T).removeprefix(T)",
        "(T).rpartition(T)[0]", "now().strftime(T)", "(T)|lower", "(T)|title", "(T)|trim(T)", "(T)|escape|forceescape",
        "(T)|striptags", "(T)|urlencode", "(T)|sha256", "(T)|wordwrap(N)", "(T)|wordwrap(1)", "(T)|truncate(N)",
        "(T)|indent(N, true, true)", "(T)|indent(16)", "(T)|center(N)", "(T)|replace(T, T)", "(L)|join(T)", "(T ~ T)",
        "(T + T)", "(T * 1000)", "(T)[::-1]", "(T)[1:]", "(T % A)", "('%s' % (A,))", "('%r%a' % (A, A))", "(T)|format(A)",
        "(A)|tojson", "(A)|tojson(16)", "(A)|urlencode", "uuid5(T)", "(L)|first", "(L)|last", "(L)|max|string",
        "('%s' * 1000)|format(*(A))",
    ),
    "L": (
        "(T).split()", "(T).split(T)", "(T).splitlines()", "(T).partition(T)", "(T)|list", "(L)|list", "(L)|sort",
        "(L)|reverse|list", "(L)|unique|list", "(L)|batch(1)|list", "(L)|slice(N)|list", "(L)|groupby(0)",
        "(L)|map('string')|list", "(L)|map('list')|list", "(L)|map('sort')|list", "(L)|map('length')|list",
        "(L)|map('map', 'string')|list", "(L)|map('batch', 1)|list", "(L)|map('tojson')|list", "(L)|map('items')|list",
        "(L)|map('select', 'in', L)|list", "(L)|map(attribute='tags.0')|list", "records|sort(attribute='name,age')",
        "(L)|map(attribute='a.b.c.d.e.f.g.h.i', default=1)|list", "(L)|select('eq', A)|list", "(L)|select('in', A)|list",
        "(L)|reject('lower')|list", "(L)|select('odd')|list", "(L)|selectattr('name', 'in', L)|list", "(L + L)",
        "(L * 1000)", "[A] * 100000", "(L)[::-1]", "(L)[1:]", "[A, A]", "(A, A)", "(M).items()|list", "(M)|items|list",
        "(M)|dictsort", "(M.keys() - L)|list", "(M.items() - L)|list",
    ),
    "M": ("{'a': A, 'b': A}", "{T: A}", "{(A, A): 1}"),
    "N": (
        "(T).count(T)", "(T).find(T)", "(L).count(A)", "(L).index(A)", "(L)|sum", "(A)|length", "(A)|wordcount",
        "(T)|int", "(T)|float", "(L)|min", "(A == A)", "(A in A)", "(A not in L)", "(L < L)", "(A < A == A)", "(T in T)",
        "(T).startswith(T)", "(T).endswith(L)", "(A is eq(A))", "(A is in(A))", "(A is lower)", "(A is odd)",
        "(A is divisibleby(N))", "(T).isalnum()", "(N + N)", "(N * N)", "(N ** N)", "(M.get(A))", "(A)[A]",
        "(M.keys() == M.keys())", "(A)|round(8, 'ceil')", "(A)|filesizeformat",
    ),
}  # fmt: skip
_DOUBLED = ("[B, B]", "(B, B)", "[B]", "B + B", "[B] * 9", "{'a': B, 'b': B}")
_FORMS = (
    "{{ [REPEATED]|length }}", "{{ [REPEATED]|length }}", "{{ A }}", "x{{ T }}", "{% if N %}x{% endif %}",
    "{% for i in L %}{% set z = A %}{% endfor %}", "{% for i in L %}{{ i }}{{ '' }}{{ '' }}{{ T }}{% endfor %}",
    "{% filter wordwrap(1) %}{{ T }}{% endfilter %}", "{% filter wordcount %}{{ T }}{% endfilter %}",
    "{% for i in range(1000) %}{% for j in range(1000) %}{% set z = A %}{% endfor %}{% endfor %}",
)  # fmt: skip
_TOKENS = 7000
"""Of what is repeated; more would be refused before anything is rendered."""


def hostile(seed: int) -> str:
    """Make the template of a seed."""
    chance = random.Random(seed)  # noqa: S311 - it is to be the same each time

    def grow(letter: str, depth: int) -> str:
        if letter == "A":
            letter = chance.choice("TLMNTL")
        rules = _RULES[letter] if depth > 0 else _SMALL[letter]
        return re.sub(r"\b[TLMNA]\b(?!')", lambda found: grow(found[0], depth - 1), chance.choice(rules))

    parts = []
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        letter, name = chance.choice(
            (("T", "text"), ("T", "letters"), ("L", "numbers"), ("L", "same"), ("M", "mapping"))
        )
        parts.append(f"{{% set {name} = {grow(letter, chance.choice((1, 2)))} %}}")
    if chance.random() < 0.3:
        name = chance.choice(("numbers", "same", "words"))
        pair = chance.choice(_DOUBLED).replace("B", name)
        parts += [f"{{% set {name} = {pair} %}}"] * chance.choice((5, 15, 25, 60))
    form = chance.choice(_FORMS)
    if "REPEATED" in form:
        expression = grow("A", chance.choice((1, 2, 2, 3)))
        times = min(chance.choice((1, 20, 300, 2500)), max(_TOKENS * 3 // len(expression), 1))
        return "".join([*parts, form.replace("REPEATED", ", ".join([expression] * times))])
    return "".join([*parts, re.sub(r"\b[TLNA]\b", lambda found: grow(found[0], 2), form)])

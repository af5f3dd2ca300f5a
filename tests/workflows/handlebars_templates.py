"""Random templates, made of all parts of the language, and the data that they are rendered with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from runner.source import Json

DATA: dict[str, Json] = {
    "name": "Zoë & <b>'x'</b> `=\"",
    "zero": 0,
    "one": 1,
    "half": 0.5,
    "small": 1.5e-7,
    "big": 1e21,
    "yes": True,
    "no": False,
    "nothing": None,
    "text": "",
    "first name": "A",
    "tags": ["a", "b", "a"],
    "list": [1, None, True, [2, 3], {"x": 4}],
    "empty": [],
    "none": {},
    "order": {
        "id": 7,
        "items": [{"name": "p", "price": 2, "tags": ["t"]}, {"name": "q", "price": 3.25, "tags": []}],
        "to": {"city": "B", "10": "ten", "2": "two"},
    },
    "$recipient": {"name": "R"},
}
_PATHS = [
    "name", "zero", "one", "half", "small", "big", "yes", "no", "nothing", "text", "[first name]", "tags", "list", "empty",
    "none", "order", "order.id", "order.items", "order.items.[0].name", "order.to", "order.to.city", "order/to/city",
    "order.items.length", "tags.[1]", "tags.length", "list.[4].x", "$recipient.name", "this", ".", "this.name", "./name",
    "../name", "..", "../one", "../../name", "../this", "@root.name", "@root.order.id", "@root", "price", "x", "city",
    "missing", "order.missing", "order.missing.deep", "missing.deep", "name.length", "length", "@index", "@key", "@first",
    "@last", "@../index", "@../key", "item", "item.name", "i", "[this]", "this/name", "./this", "order.to.[10]", "nothing.x",
    "zero.x", "list.[1]", "@missing", "[length]", "this.[first name]",
]  # fmt: skip
_LITERALS = ["'a'", '"b\\"c"', "'it\\'s'", "1", "-2.5", "0", "true", "false", "null", "undefined", "''"]
_CALLS = [
    "default {v} {v}", "uppercase {v}", "lowercase 'ABC'", "add 1 {v}", "divide 1 3", "round 2.5", "round {v}",
    "join tags ', '", "length {v}", "unique tags", "itemAt tags 1", "jsonStringify {v}", "lookup {v} {v}", "lookup order 'id'",
    "lookup . 'name'", "log {v}",
]  # fmt: skip
_BLOCKS = [
    "if {v}", "if {v} includeZero=true", "unless {v}", "each {v}", "each {v} as |item i|", "with {v}", "with {v} as |item|",
    "each order.items", "each tags as |item|", "with order", "each order.to", "compare {v} '==' {v}", "compare one '<' 2",
]  # fmt: skip
_TEXTS = [
    "",
    " ",
    "\n",
    "a",
    "\n  ",
    "  \n",
    " a \n b ",
    "\r\n",
    "\t",
    "é\n\n",
    "b",
    "c: ",
    "}",
    "d\n",
    "\n \n",
    "\u00a0\n",
]
_ESCAPES = ["\\{{name}}", "\\\\{{name}}", "\\{{name}} \\{{{x}}} {{one}}", "\\\\\\{{name}}"]
_COMMENTS = ["{{! c }}", "{{!-- }} {{name}} --}}", "{{~! c ~}}", "{{!--~}}--~}}"]


def template(random: Random, depth: int = 3) -> str:
    """Return a template that is mostly valid."""
    return "".join(_part(random, depth) for _ in range(random.randint(1, 5)))


def soup(random: Random) -> str:
    """Return tokens of the language in any order."""
    words = [
        "{{", "}}", "{{{", "}}}", "{{#", "{{/", "{{^", "{{else", "{{else}}", "{{^}}", "{{&", "{{!", "{{!--", "--}}", "~", "~}}",
        "{{~", "{{>", "{{*", "if", "each", "name", "order", ".", "..", "/", "this", "@", "@index", "[", "]", "[a b]", "(", ")", "=",
        "|", "as |", "a=1", "'s'", '"', "1", "1.5", "-", "true", "null", "undefined", " ", " ", " ", "\n", "\\", "\\{{", "x",
        "{{name}}", "{{#if one}}", "{{/if}}", "{{{{", "}}}}", "truex", "elsewhere", ",", "#", "é", "order.id", "../", "./x",
    ]  # fmt: skip
    return "".join(random.choice(words) for _ in range(random.randint(1, 9)))


def _part(random: Random, depth: int) -> str:
    kind = random.random()
    if kind < 0.3:
        return random.choice(_TEXTS)
    if kind < 0.34:
        return random.choice(_ESCAPES)
    if kind < 0.38:
        return random.choice(_COMMENTS)
    if kind < 0.7 or not depth:
        return _output(random)
    return _block(random, depth - 1)


def _tilde(random: Random) -> str:
    return "~" if random.random() < 0.1 else ""


def _value(random: Random, depth: int = 2) -> str:
    if depth and random.random() < 0.15:
        return f"({_call(random, depth - 1)})"
    return random.choice(_PATHS if random.random() < 0.8 else _LITERALS)


def _call(random: Random, depth: int = 2) -> str:
    call = random.choice(_CALLS)
    while "{v}" in call:
        call = call.replace("{v}", _value(random, depth), 1)
    return call


def _output(random: Random) -> str:
    inner = _call(random) if random.random() < 0.3 else _value(random, 0)
    before, begin, end = random.choice([("", "{{", "}}")] * 4 + [("v", "{{{", "}}}"), ("v", "{{&", "}}")])
    begin = before + "{{" + _tilde(random) + begin[2:]  # handlebars.js adds up two numbers at the begin of a program
    end = end[2:] + _tilde(random) + "}}"
    space = random.choice(["", " ", "\n"])
    return f"{begin}{space}{inner}{space}{end}"


def _block(random: Random, depth: int) -> str:
    if random.random() < 0.15:
        head = random.choice(
            ["yes", "no", "tags", "order", "nothing", "order.items", "zero", "missing", "empty", "none"]
        )
        sign = random.choice("#^")
    else:
        head, sign = _filled(random), "#"
    name = head.split()[0]
    text = "{{" + _tilde(random) + sign + head + _tilde(random) + "}}" + template(random, depth)
    if sign == "#":
        while random.random() < 0.15:
            text += "{{" + _tilde(random) + "else " + _filled(random) + _tilde(random) + "}}" + template(random, depth)
    if random.random() < 0.35:
        word = random.choice(["else", "^", " else "])
        text += "{{" + _tilde(random) + word + _tilde(random) + "}}" + template(random, depth)
    return text + "{{" + _tilde(random) + "/" + name + _tilde(random) + "}}"


def _filled(random: Random) -> str:
    head = random.choice(_BLOCKS)
    while "{v}" in head:
        head = head.replace("{v}", _value(random), 1)
    return head

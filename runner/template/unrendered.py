"""Text that is never rendered → problems: templates in the wrong place, and templates of other tools."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from runner.errors import MAX_PROBLEMS, Problem, dotted
from runner.template.language import tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from runner.codes import Code
    from runner.errors import Position, Step
    from runner.source import Node
    from runner.template.template import Template

_CODE: Code = "template-not-rendered"
_NAME = r"[A-Za-z_]\w*"
_LOOKALIKE = re.compile(
    rf"""\$\{{\s*({_NAME})\s*\}}                            # of a shell
    | (?<![\w$])\$(?P<word>{_NAME})
    | <%[=-]?\s*({_NAME})\s*%>                               # of Ruby
    | %(?![0-9A-Fa-f]{{2}}%)({_NAME})%                      # of Windows; but %C3% is of a URL
    | (?<!\{{)\{{(?:[ ]+\{{)?\s*[\u2018-\u201f]?({_NAME})[\u2018-\u201f]?\s*\}}(?:[ ]*\}})?    # of Python, or torn by a formatter
    """,
    re.VERBOSE,
)
_ENGINES = (
    ("Handlebars", re.compile(r"\{\{~?\s*[#/^>&!]|\{\{\{|\{\{~?\s*else\s*~?\}\}")),
    (
        "a Go template",
        re.compile(r"\{\{-?\s*(?:[.$]|(?:if|range|with)\s+[.$(]|(?:define|include|template|block)\s*\"|end\s*-?\}\})"),
    ),
    ("ERB", re.compile(r"<%[=-]?\s*\w")),
)
"""Template engines whose syntax Jinja can't parse."""
_MANY = 10
"""Number of texts with invalid syntax beyond which only the first is reported."""
_FIELDS = ("name", "description", "volatile", "vars", "schema", "tests")
_NO_TEXTS = frozenset({"pattern", "patternProperties", "error", "skip", "xfail", "$re", "$schema"})
"""Keys of schemas and cases whose values may contain braces that are not templates."""


def template_problems(templates: Sequence[Template]) -> Iterator[Problem]:
    """Yield the problems of templates themselves. If they are written for another engine, report only the first."""
    broken = [each for each in templates if each.has_syntax_error]
    engine = next((name for name, sign in _ENGINES if any(sign.search(each.text) for each in broken)), None)
    if engine is None and len(broken) <= _MANY:
        for template in templates:
            yield from template.problems()
        return
    for template in templates:
        for finding in template.findings:
            problem = template.problem(finding)
            if not finding.is_syntax_error:
                yield problem
            elif template is broken[0]:
                count = len(broken) - 1
                more = f"; {count:,} more {'text is' if count == 1 else 'texts are'} not Jinja either" if count else ""
                what = f"this is {engine}, not Jinja" if engine else f"this is not Jinja ({problem.message})"
                hint = "templates here are Jinja: {{ user }}, {% if user %}…{% endif %}"
                yield replace(problem, message=f"{what}{more}", hint=hint)


def unrendered(root: Node, templates: Sequence[Template], schema: Node | None) -> Iterator[Problem]:
    """Yield problems of text that is never rendered. `schema` is the schema of the properties, maybe from another file."""
    table = root.get("vars")
    names = tuple(table.entries) if table is not None else ()
    for template in templates:
        yield from _in_template(template, names)
    for field in ("let", "properties", "attachments"):
        if (node := root.get(field)) is not None:
            yield from _in_keys(node, (field,), names)
    for field in _FIELDS:
        node = schema if field == "schema" else root.get(field)
        if node is not None and _may_hold_any(node):
            yield from _in_texts(node, (field,))
    for name, declaration in table.entries.items() if table is not None else ():
        default = declaration.get("default")
        if default is not None and isinstance(default.value, str):
            yield from _in_default(default, default.value, ("vars", name, "default"), names)


def _may_have_lookalikes(text: str) -> bool:
    """Return whether a text has characters of another tool's templates, beside those of Jinja's."""
    if "$" in text or text.count("{") != 2 * text.count("{{") + text.count("{%"):
        return True
    return "%" in text and text.count("%") != text.count("{%") + text.count("%}")


_SIGNS = ("{{", "{%", " *", "[*", ",*", "\\x7", "\\u007", "\\U")
"""Signs of a template, of an alias, and of a brace that is written as an escape."""


def _may_hold_any(node: Node) -> bool:
    """Return whether texts below a value may have templates: its source has a sign of one."""
    content, start, end = node.text.content, node.start, node.end
    is_of_one_file = all(item.text is node.text for item in node.entries.values())
    return not is_of_one_file or any(content.find(sign, start, end) >= 0 for sign in _SIGNS)


def _in_template(template: Template, names: Collection[str]) -> Iterator[Problem]:
    """Yield problems of lookalikes in the text around expressions; a raw block is literal text."""
    whole = template.text
    if template.findings or not (_may_have_lookalikes(whole) and _LOOKALIKE.search(whole)):
        return
    text, is_raw = "", False
    for offset, kind, token in tokens(whole) if template.tree is not None else [(0, "data", whole)]:
        is_raw = kind == "raw_begin" or (is_raw and kind != "raw_end")
        if kind == "data" and not is_raw:
            text = text.ljust(offset, "\0") + token
    for found in islice(_lookalikes(text, names), MAX_PROBLEMS):
        yield _lookalike(found, names, template.place(*found.span()), template.path)


def _in_keys(node: Node, path: tuple[Step, ...], names: Collection[str]) -> Iterator[Problem]:
    for key, item in node.entries.items():
        if not key.isidentifier():  # as most are
            yield from _in_key(key, node, path, names)
        if _is_name_in_braces(node, item):
            message = "this is a map with an empty key, not a template"
            hint = f'write "{{{{ {_meant(key, names)} }}}}"'
            yield Problem(_CODE, message, node.position(), at=dotted(path), hint=hint, severity="warning")
        if key != "$literal":
            yield from _in_keys(item, (*path, key), names)
    for index, item in enumerate(node.items):
        yield from _in_keys(item, (*path, index), names)


def _in_key(key: str, node: Node, path: tuple[Step, ...], names: Collection[str]) -> Iterator[Problem]:
    if _template_in(key) is not None:
        message, place = "keys are not rendered: this one would be sent with its braces", node.key_position(key)
        hint = "only values are templates: write the key itself"
        yield Problem(_CODE, message, place, at=dotted(path), hint=hint)
    elif found := next(_lookalikes(key, names), None):
        yield _lookalike(found, names, node.key_position(key), path)


def _is_name_in_braces(node: Node, item: Node) -> bool:
    """Return whether a map is written as `{ user }`."""
    if len(node.entries) > 1 or item.value is not None or item.start != item.end:
        return False
    content = node.text.content
    return content.startswith("{", node.start) and ":" not in content[node.start : item.end]


def _in_texts(node: Node, path: tuple[Step, ...]) -> Iterator[Problem]:
    """Yield problems of templates in texts that are used as they are."""
    if isinstance(node.value, str) and (span := _template_in(node.value)) is not None:
        message, place = f"{_what(path)} is not rendered: the braces stay as they are", node.span(*span)
        hint = "use templates in the event's own fields, such as properties"
        yield Problem(_CODE, message, place, at=dotted(path), hint=hint, severity="warning")
    for key, item in node.entries.items():
        if key not in _NO_TEXTS and not key.startswith("x-"):
            yield from _in_texts(item, (*path, key))
    for index, item in enumerate(node.items):
        yield from _in_texts(item, (*path, index))


def _in_default(node: Node, text: str, path: tuple[Step, ...], names: Collection[str]) -> Iterator[Problem]:
    """Yield the problem of a default that is a lookalike as a whole. A part of a default may belong to a secret."""
    found = next(_lookalikes(text, names), None) if text[:1] in _BEGINNINGS else None
    if found is not None and found[0] == text:
        hint = "env: reads an environment variable"
        yield _lookalike(found, names, node.position(), path, hint)


_BEGINNINGS = ("$", "%", "{", "<")


def _template_in(text: str) -> tuple[int, int] | None:
    """Return the start and the end of the first template in a text."""
    for opening, closing in (("{{", "}}"), ("{%", "%}")):
        start = text.find(opening)
        end = text.find(closing, start + 2) if start >= 0 else -1
        if end >= 0:
            return start, end + 2
    return None


def _what(path: tuple[Step, ...]) -> str:
    match path:
        case ("vars", _, "default", *_):
            return "a default"
        case (*_, "description"):
            return "a description"
        case ("tests", *_):
            return "text in a case"
        case ("schema" | "vars", *_):
            return "text in a schema"
        case _:
            return "this text"


def _lookalikes(text: str, names: Collection[str]) -> Iterator[re.Match[str]]:
    """Yield templates of other tools. `$word` counts only if it is in capitals or names a variable: else it may be any text."""
    for found in _LOOKALIKE.finditer(text):
        word = found["word"]
        if word is None or word.isupper() or _meant(word, names) in names:
            yield found


def _lookalike(
    found: re.Match[str], names: Collection[str], place: Position, path: tuple[Step, ...], hint: str | None = None
) -> Problem:
    name = _meant(next(filter(None, found.groups())), names)
    message = f"'{found[0]}' is not a template: it is sent as it is"
    hint = hint or f"write {{{{ {name} }}}} for a variable; for the text itself {{{{ '{found[0]}' }}}}"
    return Problem(_CODE, message, place, at=dotted(path), hint=hint, severity="warning")


def _meant(word: str, names: Collection[str]) -> str:
    """Return the variable that a word of another tool stands for, ignoring case."""
    return next((name for name in names if name.lower() == word.lower()), word)

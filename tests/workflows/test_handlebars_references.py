"""The event properties that a template reads."""

from __future__ import annotations

import pytest

from runner.workflows.handlebars import HandlebarsError, Reference, references


def shown(template: str) -> list[str]:
    """Paths in the order of the text; an optional one ends with `?`."""
    return [reference.path + ("" if reference.is_required else "?") for reference in references(template)]


@pytest.mark.parametrize(
    ("template", "paths"),
    [
        ("no variable", []),
        ("{{name}} {{{order.id}}} {{&url}}", ["name", "order.id", "url"]),
        ("{{[first name]}} {{order.[ship to].city}}", ["first name", "order.ship to.city"]),
        ("{{arr.[0].name}} {{arr.1.x}}", ["arr[].name", "arr[].x"]),
        ("{{this.name}} {{./name}} {{@root.name}}", ["name", "name", "name"]),
        ("{{this}} {{.}}", []),
        ("{{items.length}} {{length items}}", ["items", "items"]),
        ("{{$recipient.name}} {{$brand.logo}} {{$tenant.x}} {{$embedded_preference_url}} {{@index}}", []),
        ("{{! name }} {{!-- {{name}} --}} \\{{name}}", []),
        ("{{log}} {{length}} {{./length}}", ["length"]),
        ("{{uppercase (lowercase name)}} {{add price 2}}", ["name", "price"]),
        ("{{formatDate due 'x'}}", ["due"]),
        ("{{t 'greeting' name=first_name count=order.count}}", ["first_name", "order.count"]),
        ("{{#each items}}{{name}}{{../currency}}{{@index}}{{/each}}", ["items", "items[].name", "currency"]),
        ("{{#each items as |item i|}}{{item.name}}{{i}}{{/each}}", ["items", "items[].name"]),
        ("{{#each a}}{{#each b}}{{c}}{{../d}}{{../../e}}{{/each}}{{/each}}",
         ["a", "a[].b", "a[].b[].c", "a[].d", "e"]),
        ("{{#each a}}{{#if b}}{{../c}}{{/if}}{{/each}}", ["a", "a[].b?", "c?"]),
        ("{{#each tags}}{{this}}{{/each}}", ["tags", "tags[]"]),
        ("{{#each tags}}{{x}}{{else}}{{none}}{{/each}}", ["tags", "tags[].x", "none?"]),
        ("{{#with order}}{{id}}{{@root.user}}{{/with}}", ["order", "order.id", "user"]),
        ("{{#with $recipient}}{{name}}{{../plan}}{{/with}}", ["plan"]),
        ("{{#each $batched_events}}{{title}}{{#each items}}{{sku}}{{/each}}{{/each}}", ["title", "items", "items[].sku"]),
        ("{{#each $batched_events as |e|}}{{e.title}}{{/each}}{{$batched_events.[0].x}}", ["title", "x"]),
        ("{{$batched_events_count}} {{#with (lookup $batched_events 0)}}{{title}}{{/with}}", ["title"]),
        ("{{#if note}}{{note}}{{else}}{{other}}{{/if}}", ["note?", "note?", "other?"]),
        ("{{#if order.note}}x{{/if}}", ["order", "order.note?"]),
        ("{{#unless paid}}{{due}}{{/unless}}", ["paid?", "due?"]),
        ('{{#compare total ">" limit}}{{a}}{{else if b}}{{c}}{{/compare}}', ["total?", "limit?", "a?", "b?", "c?"]),
        ("{{default nick name}}", ["nick?", "name"]),
        ("{{uppercase (default nick 'you')}}", ["nick?"]),
        ("{{lookup prices 'eur'}} {{lookup prices key}}", ["prices", "prices.eur", "prices", "key"]),
        ("{{#each (unique items)}}{{x}}{{/each}}", ["items", "items[].x"]),
        ("{{#section}}{{inside}}{{../after}}{{/section}}{{^section}}{{empty}}{{/section}}",
         ["section", "after", "section", "empty?"]),
        ("{{> partial name=x}}{{#own y}}{{z}}{{/own}}", ["x?", "y", "z?"]),
    ],
)  # fmt: skip
def test_variables_are_resolved_from_the_root_of_the_event(template: str, paths: list[str]) -> None:
    assert shown(template) == paths


def test_a_reference_has_its_offset() -> None:
    assert references("é\n{{ name }}{{#if x}}{{/if}}") == (Reference("name", True, 5), Reference("x", False, 18))


@pytest.mark.parametrize(
    ("template", "message", "offset"),
    [
        ("a {{name", "the tag has no end", 2),
        ("{{#if x}}a", "unexpected end of the template", 10),
        ("{{#if x}}a{{/each}}", "if doesn't match each", 3),
        ("a{{/if}}", "unexpected '{{/'", 1),
        ("{{else}}", "unexpected '{{else}}'", 0),
        ("{{a b=1 c}}", "a value without a name follows one with a name", 8),
        ("{{a.this}}", "invalid path: a.this", 2),
        ("{{a ,}}", "unexpected character ','", 4),
        ("{{!-- x }}", "the comment has no end", 0),
        ("{{#each a}}" * 65, "more than 64 blocks or parentheses inside of each other", 704),
        ("{{a " + "(b " * 65, "more than 64 blocks or parentheses inside of each other", 196),
        ("\0", "invalid character U+0000", 0),
    ],
)
def test_a_syntax_error_has_its_offset(template: str, message: str, offset: int) -> None:
    with pytest.raises(HandlebarsError) as error:
        references(template)
    assert (error.value.message, error.value.offset) == (message, offset)

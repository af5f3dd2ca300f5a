"""Regular expressions, encodings, signatures and slugs; and numbers and dates as a country writes them."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Templates

NO_BREAK = "\u00a0"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ 'a1b22' | regex_replace('[0-9]+', '#') }}", "a#b#"),
        ("{{ 'a1b22' | regex_replace('[0-9]+') }}", "ab"),
        ("{{ 'Ann Lee' | regex_replace('(?P<first>[A-Za-z]+) ([A-Za-z]+)', '$2, ${first} $$1') }}", "Lee, Ann $1"),
        ("{{ 'abc' | regex_replace('', '-') }}", "-a-b-c-"),
        ("{{ 'ab' | regex_replace('(a)|(x)', '[$2]') }}", "[]b"),
        ("{{ 12 | regex_replace('1', '2') }}", "22"),
        ("{{ 'Zoë' | regex_replace('ë', 'e') }}", "Zoe"),
        ("{{ 'order 42' | regex_search('[0-9]+') }}", "42"),
        ("{{ 'order 42' | regex_search('order ([0-9]+)', 1) }}", "42"),
        ("{{ 'order 42' | regex_search('order (?P<id>[0-9]+)', 'id') | int }}", 42),
        ("{{ 'order' | regex_search('[0-9]+') }}", None),
        ("{{ 'order' | regex_search('[0-9]+') | default('none', true) }}", "none"),
        ("{{ 'Zoë' | b64encode }}", "Wm/Dqw=="),
        ("{{ 'Zoë & Co.  (India)' | slugify }}", "zoe-co-india"),
        ("{{ '日本' | slugify }}", ""),
        ("{{ 1234.5 | currency('EUR', locale='de_DE') }}", f"1.234,50{NO_BREAK}€"),
        ("{{ 1234567.5 | currency('INR', locale='en_IN') }}", "₹12,34,567.50"),
        ("{{ 2.675 | currency('USD', locale='en_US') }}", "$2.68"),
        ("{{ 5 | currency('JPY', locale='ja-JP') }}", "￥5"),
        ("{{ 1234.5 | decimal(locale='de_DE') }}", "1.234,5"),
        ("{{ 1234.5 | decimal(locale='de_DE', digits=2) }}", "1.234,50"),
        ("{{ 1234.567 | decimal(digits=0) }}", "1,235"),
        ("{{ now() | date(locale='de_DE', format='long') }}", "2. Januar 2026"),
        ("{{ now() | date }}", "Jan 2, 2026"),
        ("{{ now().date() | date('fr_FR', 'full') }}", "vendredi 2 janvier 2026"),
        ("{{ now() | in_timezone('Asia/Kolkata') | time(locale='de_DE') }}", "08:34"),
        ("{{ now() | datetime(locale='de_DE', format='short') }}", "02.01.26, 03:04"),
    ],
)
def test_each_gives_its_value(templates: Templates, source: str, value: object) -> None:
    assert templates.evaluate(source) == value


def test_a_signature_is_the_hmac_of_the_text(templates: Templates) -> None:
    expected = hmac.new(b"key", "Zoë".encode(), hashlib.sha256).hexdigest()
    assert templates.evaluate("{{ 'Zoë' | hmac_sha256(secret) }}", secret="key") == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ 'a' | regex_replace('(', 'x') }}", "invalid pattern: missing ): ( (the syntax is that of RE2: without lookarounds and backreferences)"),
        ("{{ 'a' | regex_replace('(?=a)', 'x') }}", "invalid pattern: invalid perl operator: (?= (the syntax is that of RE2: without lookarounds and backreferences)"),
        ("{{ 'a' | regex_replace('a', '$1') }}", "the pattern has no such group (groups have numbers from 1, or names: (?P<name>…))"),
        ("{{ 'a' | regex_search('a', 'b') }}", "the pattern has no such group (groups have numbers from 1, or names: (?P<name>…))"),
        ("{{ 'a' | regex_search(5) }}", "a pattern must be text, not a number"),
        ("{{ 'a' | regex_search('a' * 1001) }}", "a pattern has more than 1,000 characters"),
        ("{{ 'a' | hmac_sha256('') }}", "hmac_sha256 expects a secret that is text, not text"),
        ("{{ 'a' | hmac_sha256(none) }}", "hmac_sha256 expects a secret that is text, not null"),
        ("{{ 'a' | currency('EUR') }}", "currency expects a number, not text (make one: {{ … | float }})"),
        ("{{ true | decimal }}", "decimal expects a number, not a boolean"),
        ("{{ 1 | currency('XX') }}", "unknown currency XX (codes are those of ISO 4217, such as INR)"),
        ("{{ 1 | decimal(locale='xx_YY') }}", "unknown locale 'xx_YY' (such as 'de_DE' or 'en_IN')"),
        ("{{ 1 | decimal(locale='../../x') }}", "unknown locale '../../x' (such as 'de_DE' or 'en_IN')"),
        ("{{ 1 | decimal(locale=none) }}", "a locale is named by a text, not null (such as 'de_DE')"),
        ("{{ 1 | decimal(digits=21) }}", "digits must be a whole number from 0 to 20"),
        ("{{ '2026' | date }}", "date expects a date, not text (make one: {{ … | to_datetime }})"),
        ("{{ now() | date(format='tiny') }}", "unknown format (formats are short, medium, long, full)"),
        ("{{ nam | currency('EUR') }}", "variable 'nam' is not defined"),
        ("{{ nam | date }}", "variable 'nam' is not defined"),
    ],
)  # fmt: skip
def test_what_can_not_be_written_is_reported(templates: Templates, source: str, message: str) -> None:
    (line,) = templates.failure(source)
    assert message in line


@pytest.mark.parametrize(
    "source",
    [
        "{{ ('a' * 100000) | regex_replace('(a+)+b', 'x') | length }}",
        "{{ ('a' * 400) | regex_search('(a?){400}a{400}') }}",
        "{{ ('a' * 90000) | regex_replace('', '$0$0$0$0$0$0$0$0$0$0') | length }}",
        "{{ ('a' * 100000) | regex_replace('a', 'b' * 1000) }}",
        "{{ 'a' | regex_search('((a{100}){100}){100}') }}",
        "{{ '1' * 300 | int | currency('EUR') | length }}",
    ],
)
def test_no_pattern_and_no_number_takes_long(templates: Templates, source: str) -> None:
    began = time.process_time()
    try:
        templates.evaluate(source)
    except Exception as error:  # noqa: BLE001 - whichever it is, it must come soon
        assert type(error).__name__ == "RenderingError"  # noqa: PT017
    assert time.process_time() - began < 3

"""Dates and times are formatted alike on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Templates


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%Y-%m-%dT%H:%M:%S.%f%z %Z", "2026-01-02T03:04:05.000000+0000 UTC"),
        ("%a %A %b %B %p %I %y %j", "Fri Friday Jan January AM 03 26 002"),
        ("%u %w %U %V %W %G %%", "5 5 00 01 00 2026 %"),
        ("%-d %-m %-H %-M %-S %-I %-j %-y", "2 1 3 4 5 3 2 26"),
        ("no directive, Zo\u00eb", "no directive, Zo\u00eb"),
    ],
)
def test_a_date_is_written_alike_on_every_machine(templates: Templates, form: str, text: str) -> None:
    assert templates.evaluate(f"{{{{ now().strftime('{form}') }}}}") == text
    assert templates.evaluate("{{ now().strftime(form) }}", form=form) == text


@pytest.mark.parametrize(
    ("directive", "hint"),
    [
        ("%s", "write timestamp() | int"), ("%c", "write it out, as in %Y-%m-%d %H:%M:%S"), ("%e", "write %-d"),
        ("%D", "write %m/%d/%y"), ("%Ey", None), ("%:z", None), ("%_d", None), ("%#d", None), ("%P", None), ("%n", None),
        ("%+", None), ("%Q", None), ("%-A", None), ("%", "for the sign itself write %%"),
    ],
)  # fmt: skip
def test_a_directive_that_depends_on_the_machine_is_refused(
    templates: Templates, directive: str, hint: str | None
) -> None:
    [told] = templates.faults(f"{{{{ now().strftime('%Y {directive}') }}}}")
    assert "error[template-type] " in told
    assert hint is None or told.endswith(f"({hint})")
    assert "error[template-type] " in templates.failure("{{ now().strftime(form) }}", form=directive)[0]


def test_a_time_and_a_date_alone_are_written_too(templates: Templates) -> None:
    assert (
        templates.evaluate("{{ now().time().strftime('%H:%M %p') ~ now().date().strftime(' %d %b') }}")
        == "03:04 AM 02 Jan"
    )
    assert "a time has no '%A'" in templates.failure("{{ now().time().strftime('%A') }}")[0]

"""Where the answers of a case are recorded."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

from runner.project.files import CASSETTES, SPECS


def cassette_path(project: Path, spec: Path, case_name: str) -> Path:
    """Name the file of a case: `cassettes/`, the spec's path without `specs/` and suffix, and a slug of the case's name.

    A slug that is cut, or leaves out more than punctuation, ends in a hash of the name. So a name depends on no other
    case: a new one makes no recording of another an orphan.

    >>> cassette_path(Path("/p"), Path("/p/specs/shop/purchase.yaml"), "a premium purchase").as_posix()
    '/p/cassettes/shop/purchase/a-premium-purchase.yaml'
    """
    parts = spec.relative_to(project).with_suffix("").parts
    folder = Path(*parts[1:]) if len(parts) > 1 and parts[0] == SPECS else Path(*parts)
    plain = "".join(char for char in unicodedata.normalize("NFKD", case_name) if not unicodedata.combining(char))
    slug = re.sub("[^a-z0-9]+", "-", plain.lower()).strip("-")
    if not slug or len(slug) > _MAX_SLUG or _TELLING.search(plain) is not None:
        digest = hashlib.sha256(case_name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
        slug = f"{slug[: _MAX_SLUG - _HASH - 1].strip('-')}-{digest}".lstrip("-")
    return project / CASSETTES / folder / f"{slug}.yaml"


_MAX_SLUG = 60


_HASH = 8


_TELLING = re.compile(
    r"""[^a-zA-Z0-9\s.,:;!?'"`\u2018-\u201f()\[\]{}/\\_#@&\u2010-\u2015\u2026-]|(?<![a-zA-Z0-9])-(?=[0-9])"""
)
"""What tells names apart and is in no slug: letters of other scripts, signs such as < and %, the minus of a number."""

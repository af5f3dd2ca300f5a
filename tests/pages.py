"""README and the pages of the manual, as tests read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parent.parent
MANUAL = REPOSITORY / "runner" / "manual"


class Block(NamedTuple):
    """A fenced block, the line it begins on, and the file that the page says it is saved as."""

    language: str
    text: str
    line: int
    file: str | None


class Page(NamedTuple):
    """A Markdown file."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        return self.path.stem

    def blocks(self, *languages: str) -> list[Block]:
        """List the fenced blocks, those of some languages or all."""
        found = re.finditer(
            r"^(?:Save this as `([^`]+)`:\n\n)?```(\w*)\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL
        )
        blocks = [Block(m[2], m[3], self.text.count("\n", 0, m.start(2)) + 1, m[1]) for m in found]
        return [block for block in blocks if not languages or block.language in languages]

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return re.sub(r"^```.*?^```$", "", self.text, flags=re.MULTILINE | re.DOTALL)

    def anchors(self) -> set[str]:
        """List the names of the headings, as GitHub makes them."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    def links(self) -> Iterator[str]:
        """Yield the targets of links, without those to other sites."""
        for target in re.findall(r"\]\(([^)\s]+)\)", self.prose):
            if not target.startswith("https://"):
                yield target


def read(path: Path) -> Page:
    return Page(path, path.read_text("utf-8"))


README = read(REPOSITORY / "README.md")
PAGES = {path.stem: read(path) for path in sorted(MANUAL.glob("*.md"))}
"""The pages of the manual, by their topics."""
EVERY = [README, *PAGES.values()]
"""What users read."""
FOR_DEVELOPERS = [read(path) for path in sorted((REPOSITORY / ".github").glob("*.md"))]

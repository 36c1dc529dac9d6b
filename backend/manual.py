"""The documents in docs/ as pages show them: sections, what a page does, search, links, words.

The Markdown files are the one text; nothing of it stands elsewhere.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backend import glossary
from backend.glossary import Term
from backend.settings import PROJECT

FOLDER = PROJECT / "docs"
ORDER = ("pages", "data", "line", "methods", "results")  # the others follow by name
HEADING = re.compile(r"^(#{1,4}) (.+)$")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
IMAGE = re.compile(r"^!\[([^\]]*)\]\(([^)\s]+)\)\s*$", re.MULTILINE)
CODE = re.compile(r"(```.*?```|`[^`]*`)", re.DOTALL)
Address = Callable[[str, str], str]  # document and anchor → where it is shown


@dataclass(frozen=True)
class Section:
    """A heading with the Markdown below it, up to the next heading. level: 1 for the document's
    own. anchor: as GitHub names it, "" for level 1."""

    document: str
    title: str
    level: int
    anchor: str
    text: str

    @property
    def place(self) -> str:
        """As `section` takes it."""
        return f"{self.document}#{self.anchor}" if self.anchor else self.document


@dataclass(frozen=True)
class Picture:
    """A picture of a document, and what it shows in words."""

    file: Path
    words: str


def documents() -> tuple[str, ...]:
    """Their names, without ending."""
    found = {path.stem for path in FOLDER.glob("*.md")}
    return (*(name for name in ORDER if name in found), *sorted(found - set(ORDER)))


@cache
def sections(document: str) -> tuple[Section, ...]:
    """The sections of a document in their order. Raises KeyError for one that is not there."""
    if document not in documents():
        raise KeyError(document)
    found: list[tuple[str, int, list[str]]] = []
    fenced = False
    for line in (FOLDER / f"{document}.md").read_text(encoding="utf-8").splitlines():
        fenced ^= line.startswith("```")
        heading = None if fenced else HEADING.match(line)
        if heading:
            found.append((heading[2], len(heading[1]), []))
        elif found:
            found[-1][2].append(line)
    return tuple(
        Section(
            document, title, level, "" if level == 1 else anchor(title), "\n".join(text).strip()
        )
        for title, level, text in found
    )


def anchor(title: str) -> str:
    """The end of a heading's address."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def section(place: str) -> Section:
    """The section of `document` or `document#anchor`. Raises KeyError where there is none."""
    document, _, wanted = place.partition("#")
    for one in sections(document):
        if one.anchor == wanted:
            return one
    raise KeyError(place)


def about_page(title: str) -> str:
    """What docs/pages.md says of a page; "" where it names none of that title."""
    rows = (line for one in sections("pages") for line in one.text.splitlines())
    for cells in (line.strip("| ").split(" | ", 1) for line in rows if line.startswith("|")):
        if len(cells) == 2 and cells[0].strip() == title:
            return cells[1].strip()
    return ""


def find(asked: str) -> list[Section]:
    """The sections with all of these words, those with them in their title first."""
    words = asked.lower().split()
    if not words:
        return []
    every = [one for name in documents() for one in sections(name)]
    found = [one for one in every if all(w in f"{one.title}\n{one.text}".lower() for w in words)]
    return sorted(found, key=lambda one: not all(w in one.title.lower() for w in words))


def around(text: str, asked: str, width: int = 160) -> str:
    """What stands around the first of the words, in one line without markup."""
    plain = " ".join(re.sub(r"[*`#|]", "", LINK.sub(r"\1", IMAGE.sub("", text))).split())
    places = [plain.lower().find(word) for word in asked.lower().split()]
    first = max(0, min((place for place in places if place >= 0), default=0) - width // 2)
    piece = plain[first : first + width]
    return f"{'… ' * (first > 0)}{piece.strip()}{' …' * (first + width < len(plain))}"


def linked(text: str, document: str, address: Address) -> str:
    """Markdown whose links between documents lead to where these are shown; those to other files
    of the program say where the file lies."""

    def led(link: re.Match[str]) -> str:
        words, target = link[1], link[2]
        if "://" in target:
            return link[0]
        file, _, wanted = target.partition("#")
        name = file.removesuffix(".md") or document
        if name in documents():
            return f"[{words}]({address(name, wanted)})"
        return f"{words} (`docs/{file}`)"

    return LINK.sub(led, text)


def worded(text: str) -> str:
    """Markdown in the words of pages; code stays as it is."""
    pieces = CODE.split(text)
    return "".join(
        piece if k % 2 else glossary.said_in_prose(piece) for k, piece in enumerate(pieces)
    )


def pieces(text: str) -> Iterator[str | Picture]:
    """Markdown with the pictures that stand in it, in their order."""
    start = 0
    for found in IMAGE.finditer(text):
        yield text[start : found.start()]
        yield Picture(FOLDER / found[2], found[1])
        start = found.end()
    yield text[start:]


def terms(text: str) -> list[Term]:
    """The words of the glossary that stand in a text."""
    return [term for term in glossary.TERMS if any(_stands(name, text) for name in _names(term))]


def _names(term: Term) -> list[str]:
    """What a term is called: `defects found (recall)` by either name."""
    outside, _, inside = term.words.partition(" (")
    short = inside.rstrip(")").split(";")[0]
    several = [outside] if "%" in outside else outside.split(", ")
    return [name for name in (*several, short) if len(name) > 3]


def _stands(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}s?(?!\w)", text, re.IGNORECASE) is not None

"""Label files read within bounds, and words about them."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from backend.images.faults import Faults
from backend.images.labelled_image import Mask
from backend.images.masks import check_size as check_mask
from backend.images.masks import union
from backend.records import UserError

MOST_IMAGES = 100_000
MOST_TEXT, MOST_JSON = 5_000_000, 500_000_000  # bytes
_VERBS = {"have": "has", "are": "is", "reach": "reaches"} | {
    verb: f"{verb}s" for verb in ("belong", "hold", "lie", "occur", "name")
}
_MANY = re.compile(rf"((?:JSON |XML )?)(\w+s)(.*?)\b({'|'.join(_VERBS)})\b")  # things do


def mask_file(path: Path, width: int, height: int) -> Mask:
    """What reads the mask when called. Raises UserError where it is not of the image's size."""
    check_mask(path, width, height)
    return partial(union, (path,), width, height)


def text(path: Path, most: int = MOST_TEXT) -> str:
    """A text file in UTF-8. Raises UserError where it is missing, too large or no text."""
    try:
        if path.stat().st_size > most:
            raise UserError(f"{path} is larger than {most // 1_000_000} MB. Split it up.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"Cannot read {path}. Check that it is there and may be read.") from error
    except ValueError as error:
        raise UserError(f"{path} is no text in UTF-8. Save it as UTF-8.") from error


def parsed(path: Path) -> Any:
    """A JSON file. Raises UserError naming the line that is broken."""
    content = text(path, MOST_JSON)
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {error.lineno}: no valid JSON ({error.msg}).") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no valid JSON. Export it again.") from error


def any_is(paths: Iterable[Path], test: Callable[[Path], bool]) -> bool:
    """Whether the test holds for one of the files. Raises UserError naming every file that it
    could not read, where it holds for none of the others: nothing is known of those."""
    faults = Faults()
    for path in paths:
        with faults.collected():
            if test(path):
                return True
    faults.refuse()
    return False


def usable(word: Any, where: str) -> str:
    """A class or image name as the store takes it. Raises UserError where it is none."""
    name = str(word).strip() if isinstance(word, (str, int, float)) else ""
    if not name or not name.isprintable() or len(name) > 300:
        raise UserError(f"{where}: '{ascii(name)[1:80]}' is no name. Use printable text.")
    return name


def counted(notes: list[str]) -> tuple[str, ...]:
    """Equal notes as one, with their number before it; whole sentences as they are."""
    return tuple(
        note if note.endswith(".") else f"{count} {_of_one(note) if count == 1 else note}."
        for note, count in Counter(notes).items()
    )


def _of_one(note: str) -> str:
    """`images have no mask` of a single one: `image has no mask`."""
    found = _MANY.match(note)
    if found is None:
        return note
    file, things, between, verb = found.groups()
    thing = things.removesuffix("es" if things == "boxes" else "s")
    return f"{file}{thing}{between}{_VERBS[verb]}{note[found.end() :]}".replace("their", "its")


def check_size(width: Any, height: Any, found: tuple[int, int], where: str) -> None:
    """Raises UserError where labels are for an image of another size; 0 or none says nothing."""
    try:
        said = float(width or 0), float(height or 0)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{where}: width and height must be numbers. Correct them.") from error
    if 0 not in said and said != found:
        raise UserError(
            f"{where}: made for {said[0]:g} × {said[1]:g} px, but the image has {found[0]} × "
            f"{found[1]} px. Put the image back as it was labelled."
        )

"""From a list of parts to the parts: pictures are read, cut where there is a box, and kept."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backend.images import boxes, imagefiles
from backend.images.folder import some
from backend.images.imagefiles import Depth
from backend.images.masks import union
from backend.inspection.parts.importers.listing import Listed, Listing, feature_of
from backend.records import Box, Corners, Progress, UserError

LEAST_EDGE = 8  # px
Find = Callable[[np.ndarray], list[Box]]
Part = tuple[dict[str, Any], np.ndarray]  # a row of the table `parts`, and uint8 [H, W, 3]


@dataclass(frozen=True)
class LeftOut:
    """A picture, or a part of one, that was not taken in. where: its place, for messages."""

    file: str
    reason: str
    where: str


@dataclass(frozen=True)
class Intake:
    """How parts are taken in. margin: share of a box's longer side. find: None: as listed.
    depth: of all pictures."""

    out_dir: Path
    margin: float
    skip_unreadable: bool
    find: Find | None
    depth: Depth


def take(
    listing: Listing,
    intake: Intake,
    unreadable: list[LeftOut],
    unfound: list[LeftOut],
    notes: list[str],
    progress: Progress,
) -> Iterator[Part]:
    """Each part with its pixels; pictures that cannot be read, and those in which the detector
    misses something, are added to the two lists, what else was odd to the notes.

    Raises UserError at the end where a picture could not be read and none may be skipped.
    """
    pages = _by_image(listing.entries)
    odd: Counter[str] = Counter()
    taken = 0
    for number, entries in enumerate(pages, start=1):
        try:
            pixels = _read(entries[0], intake.depth)
        except UserError as error:
            unreadable.append(LeftOut(entries[0].image, str(error), entries[0].where))
            continue
        wanted = entries if intake.find is None else _found(entries, intake.find(pixels), unfound)
        for one in wanted:
            if (held := _held(one, pixels, odd)) is None:
                unreadable.append(_outside(one, pixels))
                continue
            yield _kept(held, pixels, intake, taken, odd)
            taken += 1
        progress(0.9 * number / len(pages), f"picture {number} of {len(pages)}", step=number)
    notes += [f"{count} {what}." for what, count in odd.items()]
    if unreadable and not intake.skip_unreadable:
        raise _refusal(unreadable, len(pages))


def _held(one: Listed, pixels: np.ndarray, odd: Counter[str]) -> Listed | None:
    """The part with its box held to the picture; None where all of the box is outside."""
    if one.box is None:
        return one
    height, width = pixels.shape[:2]
    if boxes.outside(one.box, width, height):
        odd["boxes reach over the edge of their picture: cut off there"] += 1
    box = boxes.cut(one.box, width, height)
    return None if box is None else replace(one, box=box)


def _by_image(entries: Sequence[Listed]) -> list[list[Listed]]:
    pages: dict[Path, list[Listed]] = {}
    for one in entries:
        pages.setdefault(one.path, []).append(one)
    return list(pages.values())


def _read(one: Listed, depth: Depth) -> np.ndarray:
    """The picture's pixels. Raises UserError with the reason alone."""
    try:
        if not one.path.is_file():
            raise UserError("does not exist")
        return imagefiles.read_rgb(one.path, depth)
    except OSError as error:  # a name that is too long
        raise UserError("does not exist") from error
    except UserError as error:
        reason = str(error).removeprefix(f"'{one.path}' ").removeprefix(f"{one.path} ")
        raise UserError(reason.split(". ")[0].rstrip(".")) from error


def _outside(one: Listed, pixels: np.ndarray) -> LeftOut:
    height, width = pixels.shape[:2]
    return LeftOut(
        one.name, f"has a box that leaves the picture ({width} × {height} px)", one.where
    )


def _refusal(unreadable: list[LeftOut], pictures: int) -> UserError:
    told = some((f"{one.where} {one.reason}" for one in unreadable), most=5)
    return UserError(
        f"{len(unreadable)} of {pictures} pictures cannot be read: {told}. Put them right, "
        "or choose 'Skip unreadable' to leave them out."
    )


def _found(entries: list[Listed], boxes: list[Box], unfound: list[LeftOut]) -> list[Listed]:
    """The boxes as parts: a row that names the feature counts before one that names none."""
    by_feature = {one.feature: one for one in entries}
    found, used = [], set()
    for number, box in enumerate(boxes, start=1):
        feature = feature_of(box.class_name)
        one = by_feature.get(feature) or by_feature.get("")
        if one is not None:
            used.add(one.feature)
            name = f"{one.image}#{number}"
            found.append(replace(one, name=name, feature=feature, box=box.xyxy))
    for one in entries:
        if one.feature not in used:
            what = f"no '{one.feature}'" if one.feature else "no feature"
            unfound.append(LeftOut(one.image, f"the detector found {what} in it", one.where))
    return found


def _kept(one: Listed, pixels: np.ndarray, intake: Intake, number: int, odd: Counter[str]) -> Part:
    """The part's row and pixels; a cut or scaled part is written, other pictures stay where they
    are."""
    row = {
        "part": one.name,
        "path": _place(one.path, intake.out_dir),
        "feature": one.feature,
        "label": one.label,
        "group": one.group,
        "defect": one.defect,
        "image": one.image,
    }
    mask = _mask(one, pixels, odd)
    if one.box is not None:
        pixels = cut_out(pixels, one.box, intake.margin)
        mask = None if mask is None else cut_out(mask, one.box, intake.margin)
        row |= dict(zip(("x1", "y1", "x2", "y2"), one.box, strict=True))
    if one.box is not None or imagefiles.header(one.path).deep:
        row["path"] = _written(pixels, "crops", number, intake.out_dir)
    if mask is not None:
        row |= {"mask_path": _mask_place(one, mask, number, intake), "area": marked(mask)}
    return row, pixels


def _mask_place(one: Listed, mask: np.ndarray, number: int, intake: Intake) -> str:
    """The file of a whole picture's only mask; others are written."""
    if one.box is None and len(one.masks) == 1:
        return _place(one.masks[0], intake.out_dir)
    return _written(mask, "masks", number, intake.out_dir)


def _place(path: Path, out_dir: Path) -> str:
    """Relative to the run's folder where the file lies in it, else absolute."""
    whole, own = path.resolve(), out_dir.resolve()
    return whole.relative_to(own).as_posix() if whole.is_relative_to(own) else str(whole)


def _written(pixels: np.ndarray, kind: str, number: int, out_dir: Path) -> str:
    path = f"artifacts/{kind}/{number:06d}.png"
    imagefiles.write(out_dir / path, pixels)
    return path


def marked(mask: np.ndarray) -> float:
    """Share of a mask [H, W] that marks a defect: that is brighter than half of its brightest."""
    return float((mask > mask.max() / 2).mean())


def _mask(one: Listed, pixels: np.ndarray, odd: Counter[str]) -> np.ndarray | None:
    """The picture's mask [H, W]; None where there is none of its size that can be read."""
    if not one.masks:
        return None
    try:
        return union(one.masks, pixels.shape[1], pixels.shape[0])
    except UserError:
        odd["masks cannot be read, or are not of the size of their part: left out"] += 1
        return None


def _square(box: Corners, margin: float) -> tuple[int, int, int]:
    """Left, top and edge in px of the square around a box; margin: share of its longer side."""
    x1, y1, x2, y2 = box
    edge = max(LEAST_EDGE, round(max(x2 - x1, y2 - y1) * (1 + 2 * margin)))
    return round((x1 + x2 - edge) / 2), round((y1 + y2 - edge) / 2), edge


def cut_out(pixels: np.ndarray, box: Corners, margin: float) -> np.ndarray:
    """The square around a box as [E, E, 3] or [E, E].

    It is shifted to lie inside the picture; where the picture is smaller than the square, its edge
    pixels are repeated.
    """
    height, width = pixels.shape[:2]
    left, top, edge = _square(box, margin)
    left, top = max(0, min(left, width - edge)), max(0, min(top, height - edge))
    found = pixels[top : top + edge, left : left + edge]
    missing = edge - found.shape[0], edge - found.shape[1]
    around = [(gap // 2, gap - gap // 2) for gap in missing] + [(0, 0)] * (pixels.ndim - 2)
    return np.pad(found, around, mode="edge") if any(missing) else found

"""Which pictures are masks, and of which picture: white where defect.

    x.png  x_mask.png                  beside the picture; also _gt, _label, -mask, mask_x
    x.jpg  x.png                                       beside it, black and white (Real-IAD)
    images/x.jpg  Masks/x.png                          in a folder beside (VisA)
    bad/x.jpg  ground_truth/bad/x.png                  in a folder above (anomalib, BTAD, MPDD)
    test/<defect>/x.png  ground_truth/<defect>/x_mask.png         MVTec AD
    test/<defect>/x.png  ground_truth/<defect>/x/000.png          MVTec LOCO: a folder a picture
    x/image.jpg  x/mask.png                            alone in a folder with its picture

Capitals do not matter.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from backend.images import imagefiles, words
from backend.images.folder import Folder, grouped, stem_of
from backend.images.pairs import key_of
from backend.records import Label, UserError

WORD = r"(?:masks?|gt|ground[_\-]?truth|labels?|seg|segmentation|anno)"
SAID = re.compile(rf"(?:[_\-. ]{WORD})+$|^{WORD}[_\-. ]")  # before or behind a picture's name
SURE = re.compile(r"[_\-. ](?:masks?|ground_?truth)$|^masks?[_\-. ]")
ALONE = re.compile(WORD)  # the whole name: the mask of the only picture beside it
ANY = ""  # in place of a stem: the only picture of a folder
FEW = 8  # grey values that a mask has at most
ALMOST, NEAR = 0.99, 24  # of a JPEG's pixels so many are so near to black or white
Key = tuple[tuple[str, ...], str]  # folders, stem


class Masks:
    """The masks of a folder. chosen: the pictures that are none; of: masks by their picture.

    lone: masks that belong to no picture. twins: False where a table says which pictures count;
    else raises UserError for two pictures of one name, beside each other, of which neither is
    plainly the other's mask.
    """

    def __init__(self, folder: Folder, twins: bool = True) -> None:
        masks = _among(folder)
        found = [path for path in folder.images if path in masks]
        self.chosen = pictures(folder)
        if twins:
            _Stems(folder).refuse_twins(self.chosen)
        self.of = _paired(folder, self.chosen, found)
        used = {mask for mine in self.of.values() for mask in mine}
        self.lone = [path for path in found if path not in used]


def pictures(folder: Folder) -> list[Path]:
    """The folder's images that are no masks."""
    masks = _among(folder)
    return [path for path in folder.images if path not in masks]


@lru_cache(2)  # of a set its layout, its reader and its notes ask, and some pictures are opened
def _among(folder: Folder) -> frozenset[Path]:
    """The folder's masks."""
    stems = _Stems(folder)
    return frozenset(path for path in folder.images if stems.is_mask(path))


def union(paths: Iterable[Path], width: int, height: int) -> np.ndarray:
    """The masks of one picture as one, uint8 [H, W]. Raises UserError where one does not fit."""
    mask = np.zeros((height, width), np.uint8)
    for path in paths:
        check_size(path, width, height)
        mask |= imagefiles.read_mask(path)
    return mask


def check_size(path: Path, width: int, height: int) -> None:
    """Raises UserError where a mask is not of its image's size."""
    if (found := imagefiles.size(path)) != (width, height):
        raise UserError(
            f"{path} has {found[0]} × {found[1]} px, its image {width} × {height}. "
            "Give the mask the size of its image."
        )


class _Stems:
    """What lies beside what: pictures by their folder and stem, in small letters."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.by_stem = grouped((self._stem(path), path) for path in folder.images)
        self.beside = Counter(path.parent for path in folder.images)
        self.by_key = grouped((key_of(folder.relative(path)), path) for path in folder.images)

    def _stem(self, path: Path) -> str:
        return stem_of(self.folder.relative(path)).casefold()

    def is_mask(self, path: Path) -> bool:
        """By its folder, by its name where a picture of that name is there, or as a twin."""
        relative = self.folder.relative(path)
        if words.among_masks(relative):
            return self._is_sure(path, relative) or _is_readable_mask(path)
        folder, slash, stem = self._stem(path).rpartition("/")
        if ALONE.fullmatch(stem) and self.beside[path.parent] == 2:
            return _is_readable_mask(path)
        bare = SAID.sub("", stem)
        if bare != stem and folder + slash + bare in self.by_stem:
            return bool(SURE.search(stem)) or _is_readable_mask(path)
        twins = self.by_stem[folder + slash + stem]
        return len(twins) == 2 and _is_mask_of(path, next(p for p in twins if p != path))

    def _is_sure(self, path: Path, relative: str) -> bool:
        """Does the folder say mask, or only label, as a type of part may be called too? Then a
        picture of the same name elsewhere makes it sure."""
        if any(words.means_masks(name) for name in relative.split("/")[:-1]):
            return True
        others = self.by_key[key_of(relative)]
        return any(other.parent != path.parent for other in others)

    def refuse_twins(self, chosen: list[Path]) -> None:
        seen: dict[str, Path] = {}
        for path in chosen:
            stem = self._stem(path)
            if stem in seen:
                raise UserError(
                    f"{self.folder.relative(seen[stem])} and {self.folder.relative(path)} have one "
                    "name but for the suffix, and neither is plainly the other's mask. Rename or "
                    "remove one."
                )
            seen[stem] = path


def _is_readable_mask(path: Path) -> bool:
    try:
        return is_black_and_white(path)
    except UserError:
        return False  # what cannot be read is named where it is read


def _is_mask_of(path: Path, other: Path) -> bool:
    """Of two pictures of one name and size the one that is black and white is the other's mask."""
    try:
        same = imagefiles.size(path) == imagefiles.size(other)
        return same and is_black_and_white(path) and not is_black_and_white(other)
    except UserError:
        return False


def is_black_and_white(path: Path) -> bool:
    """Does a picture hold but a few grey values, as masks do? Raises UserError as `opened`."""
    with imagefiles.opened(path) as image:
        grey = np.asarray(image if image.mode[0] in "IF" else image.convert("L"))
        if image.format == "JPEG":
            return bool(((grey <= NEAR) | (grey >= 255 - NEAR)).mean() >= ALMOST)
    return len(np.unique(grey)) <= FEW


def _paired(folder: Folder, chosen: list[Path], masks: list[Path]) -> dict[Path, list[Path]]:
    """Each picture's masks: those of its stem in the same folders, splits and all; then without
    splits; then in folders above, where the picture is not GOOD by its own."""
    found: dict[Path, list[Path]] = defaultdict(list)
    beside = Counter(path.parent for path in chosen)
    left = masks
    for bare in (False, True):
        by_key: dict[Key, list[Path]] = defaultdict(list)
        for path in chosen:
            for key in _keys(folder, path, False, bare):
                by_key[key].append(path)
            if beside[path.parent] == 1:
                by_key[_names(folder, path, False)[0], ANY].append(path)
        rest = []
        for mask in left:
            fits = [by_key[key] for key in _keys(folder, mask, True, bare) if key in by_key]
            if fits and len(fits[0]) == 1:
                found[fits[0][0]].append(mask)
            else:
                rest.append(mask)
        left = rest
    for mask, picture in _above(folder, chosen, left):
        found[picture].append(mask)
    return dict(found)


def _names(folder: Folder, path: Path, is_mask: bool) -> Key:
    """Folders and stem in small letters, without what says that it is a picture or a mask."""
    *folders, name = folder.relative(path).split("/")
    kept = [part for part in folders if not words.means_images(part)]
    stem = stem_of(name).casefold()
    if is_mask:
        kept = [part for part in kept if not words.means_labels(part)]
    return tuple(part.casefold() for part in kept), stem


def _keys(folder: Folder, path: Path, is_mask: bool, bare: bool) -> list[Key]:
    """By folders and stem; of a folder that holds one picture's masks, by its name too.

    The most likely first. bare: folders of splits do not count.
    """
    folders, stem = _names(folder, path, is_mask)
    if bare:
        folders = tuple(part for part in folders if not words.split_named(part))
    keys = [(folders, stem)]
    if is_mask and (plain := SAID.sub("", stem)) != stem:
        keys.append((folders, plain))
    if is_mask and ALONE.fullmatch(stem):
        keys.append((folders, ANY))
    if folders and (is_mask or folders[-1] == stem):
        keys.append((folders[:-1], folders[-1]))
    return keys


def _above(folder: Folder, chosen: list[Path], masks: list[Path]) -> Iterator[tuple[Path, Path]]:
    """Masks whose folders are some of those of the only picture of their stem that is not GOOD."""
    by_stem: dict[str, list[tuple[set[str], Path]]] = defaultdict(list)
    for path in chosen if masks else []:
        folders, stem = _names(folder, path, False)
        if words.nearest_verdict(folders)[1] is not Label.GOOD:
            by_stem[stem].append((set(folders), path))
    for mask in masks:
        folders, stem = _names(folder, mask, True)
        named = by_stem[stem] or by_stem[SAID.sub("", stem)]
        fits = [path for places, path in named if set(folders) <= places]
        if len(fits) == 1:
            yield mask, fits[0]

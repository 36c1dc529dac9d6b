"""What the names of folders and the cells of tables say: GOOD or BAD, a split, masks."""

import re
import unicodedata
from collections.abc import Sequence

from backend.records import Label

GOOD_WORDS = (
    *("good", "ok", "okay", "io", "normal", "intact", "pass", "passed", "defectfree", "nodefect"),
    *("good parts", "nondefective", "healthy", "accept", "accepted", "gut", "inordnung"),
)
BAD_WORDS = (
    *("bad", "nok", "ko", "notok", "ng", "nogood", "notgood", "nio", "defect", "defects"),
    *("defective", "defected", "anomaly", "anomalies", "anomalous", "abnormal", "abnormality"),
    *("fail", "failed", "failure", "reject", "rejected", "scrap", "faulty", "schlecht"),
    *("nichtio", "nichtinordnung", "ausschuss"),
)
SPLITS = {
    **{"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"},
    **{"test": "test", "testing": "test"},
}
IMAGE_FOLDERS = ("image", "images", "img", "imgs", "jpegimages", "data", "rgb")
MASK_FOLDERS = (
    *("gt", "groundtruth", "label", "labels", "annotation", "annotations", "anno", "annos"),
    *("seg", "segs", "segmentation", "segmentations", "segmentationclass", "segmentationobject"),
)
MASK_WORDS = {"mask", "masks", "groundtruth"}  # anywhere in a folder's name


def plain(name: str) -> str:
    """A name's letters alone, small."""
    return "".join(c for c in unicodedata.normalize("NFC", name).casefold() if c.isalpha())


_GOOD = {plain(word) for word in GOOD_WORDS}
_BAD = {plain(word) for word in BAD_WORDS}


def verdict_of(word: str) -> Label | None:
    """GOOD or BAD where a folder's or a cell's text is one of the usual words for it."""
    letters = plain(word)
    if letters in _GOOD:
        return Label.GOOD
    return Label.BAD if letters in _BAD else None


def split_of(relative: str) -> str:
    """The split a path in a folder speaks of: its first folder named train, val, test, …; or ""."""
    names = (part.casefold().rstrip("0123456789") for part in relative.split("/")[:-1])
    return next((SPLITS[name] for name in names if name in SPLITS), "")


def means_images(folder: str) -> bool:
    """Is the folder's name one that says nothing but that images are in it?"""
    return plain(folder) in IMAGE_FOLDERS


def means_masks(folder: str) -> bool:
    """Does a folder's name say that masks are in it? `Masks`, `ground_truth`, `bad_masks`."""
    parts = {plain(part) for part in re.split(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])", folder)}
    return plain(folder) in (*MASK_FOLDERS, *MASK_WORDS) or bool(parts & MASK_WORDS)


def says_nothing(folder: str) -> bool:
    """Is it a folder of images or a split, whose name is no type, class or specimen?"""
    return means_images(folder) or folder.casefold() in SPLITS


def is_specimen(folder: str) -> bool:
    """Is it a folder of the views of one part, as Real-IAD has them (`S0000`)?"""
    return re.fullmatch(r"[sS]\d{3,}", folder) is not None


def specimen_of(relative: str) -> str:
    """A path up to the folder of its specimen's views, "" where there is none."""
    folders = relative.split("/")[:-1]
    found = [place for place, name in enumerate(folders) if is_specimen(name)]
    return "/".join(folders[: found[-1] + 1]) if found else ""


def nearest_verdict(folders: Sequence[str]) -> tuple[int, Label | None]:
    """The place of the last folder that says GOOD or BAD, and which; (−1, None) where none does."""
    for place in range(len(folders) - 1, -1, -1):
        if (verdict := verdict_of(folders[place])) is not None:
            return place, verdict
    return -1, None

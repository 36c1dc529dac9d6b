"""What the names of folders and the cells of tables say: GOOD or BAD, a split, masks."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from backend.records import Label

CACHED = 4096  # names of folders are few, and asked about for every picture
GOOD_WORDS = (
    *("good", "ok", "okay", "io", "normal", "intact", "pass", "passed", "healthy", "clean"),
    *("accept", "accepted", "acceptable", "conforming", "flawless", "undamaged"),
    *("defect free", "no defect", "no defects", "without defect", "without defects", "non defect"),
    *("non defective", "not defective", "fault free", "no fault", "anomaly free", "no anomaly"),
    *("no anomalies", "non anomalous", "non anomaly", "error free", "no error"),
    *("gut", "in ordnung", "fehlerfrei", "gutteil", "gutteile", "ohne fehler", "kein fehler"),
    *("bon", "bonne", "bons", "conforme", "conformes", "buono", "buoni", "bueno", "buenos"),
    *("良", "良品", "合格", "合格品", "正常"),
)
BAD_WORDS = (
    *("bad", "nok", "ko", "not ok", "ng", "no good", "not good", "nio", "non ok", "not okay"),
    *("defect", "defects", "defective", "defectives", "defected", "with defect", "faulty", "fault"),
    *("anomaly", "anomalies", "anomalous", "abnormal", "abnormality", "not normal", "non normal"),
    *("fail", "failed", "failure", "failures", "reject", "rejects", "rejected", "scrap", "flawed"),
    *("nonconforming", "not conforming", "unacceptable", "not accepted", "error", "errors"),
    *("schlecht", "nicht io", "nicht ok", "nicht in ordnung", "ausschuss", "fehler", "fehlerhaft"),
    *("defekt", "defekte", "schlechtteil", "schlechtteile", "mangelhaft"),
    *("mauvais", "mauvaise", "non conforme", "non conformes", "défaut", "défauts", "rebut"),
    *("scarto", "scarti", "difetto", "difetti", "difettoso", "difettosi", "malo", "malos"),
    *("no conforme", "defecto", "defectos", "defectuoso", "defectuosos"),
    *("不良", "不良品", "不合格", "不合格品", "异常", "異常", "缺陷"),
)
NOUNS = ("part", "parts", "image", "images", "sample", "samples", "teil", "teile")
SPLITS = {
    **{"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"},
    **{"test": "test", "testing": "test"},
}
IMAGE_FOLDERS = ("image", "images", "img", "imgs", "jpegimages", "data", "rgb")
MASK_FOLDERS = (
    *("gt", "groundtruth", "segmentation", "segmentations"),
    *("segmentationclass", "segmentationobject"),
)
MASK_WORDS = {"mask", "masks", "groundtruth"}  # anywhere in a folder's name
LABEL_FOLDERS = (  # of masks or of label files, but a type of part may be called `label` too
    *("label", "labels", "labeltxt", "annotation", "annotations", "anno", "annos", "ann", "anns"),
    *("seg", "segs", "xml", "xmls", "json", "jsons", "txt", "txts", "bbox", "bboxes"),
)


@lru_cache(CACHED)
def plain(name: str) -> str:
    """A name's letters alone, small."""
    return "".join(c for c in unicodedata.normalize("NFC", name).casefold() if c.isalpha())


_GOOD = {plain(word) for word in GOOD_WORDS}
_BAD = {plain(word) for word in BAD_WORDS}
_SPLIT = re.compile(
    rf"({'|'.join(sorted(SPLITS, key=len, reverse=True))})"
    r"(?:[_\-. ]?(?:\d+|set|data|images?|public|private|mixed))*"
)
_WITH_NOUN = re.compile(f"(.+)(?:{'|'.join(sorted(NOUNS, key=len, reverse=True))})")


@lru_cache(CACHED)
def verdict_of(word: str) -> Label | None:
    """GOOD or BAD where a folder's or a cell's text is one of the usual words for it."""
    letters = plain(word)
    bare = found[1] if (found := _WITH_NOUN.fullmatch(letters)) else letters
    if letters in _GOOD or bare in _GOOD:
        return Label.GOOD
    return Label.BAD if letters in _BAD or bare in _BAD else None


@lru_cache(CACHED)
def split_named(folder: str) -> str:
    """The split a folder's name says: `train2017`, `test_public`, `Validation set`; or ""."""
    found = _SPLIT.fullmatch(folder.casefold())
    return SPLITS[found[1]] if found else ""


def split_of(relative: str) -> str:
    """The split a path in a folder speaks of: its first folder named train, val, test, …; or ""."""
    return next(filter(None, map(split_named, relative.split("/")[:-1])), "")


@lru_cache(CACHED)
def means_images(folder: str) -> bool:
    """Is the folder's name one that says nothing but that images are in it?"""
    return plain(folder) in IMAGE_FOLDERS


@lru_cache(CACHED)
def means_masks(folder: str) -> bool:
    """Does a folder's name say that masks are in it? `Masks`, `ground_truth`, `bad_masks`."""
    parts = {plain(part) for part in re.split(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])", folder)}
    return plain(folder) in MASK_FOLDERS or bool({plain(folder), *parts} & MASK_WORDS)


@lru_cache(CACHED)
def means_labels(folder: str) -> bool:
    """Does a folder's name say that label files, or masks, are in it? `labels`, `Annotations`."""
    return plain(folder) in LABEL_FOLDERS or means_masks(folder)


def among_masks(relative: str) -> bool:
    """Does a path lie in a folder of masks, or in one of labels that holds no folder of images?"""
    folders = relative.split("/")[:-1]
    if any(means_masks(name) for name in folders):
        return True
    kinds = [means_labels(name) for name in folders if means_labels(name) or means_images(name)]
    return bool(kinds) and kinds[-1]


def says_nothing(folder: str) -> bool:
    """Is it a folder of images or a split, whose name is no type, class or specimen?"""
    return means_images(folder) or bool(split_named(folder))


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

"""Random sets are written in each layout of labelled images, and read back equal."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.images import archives
from backend.images.folder import composed, stem_of
from backend.images.formats import detect
from backend.images.labelled_image import LabelledSet
from tests.unit.images import written
from tests.unit.images.written import CLASSES, Made, Writer, dialects, sets, writers

few = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass
class Read:
    """A set as it was read; its pictures and masks by name, drawn while the files were there."""

    found: LabelledSet
    pixels: dict[str, np.ndarray]
    sizes: dict[str, tuple[int, int]]
    masks: dict[str, np.ndarray | None]


def read(writer: Writer, packed: bool) -> Read:
    """The set out of a folder or a zip."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        if packed:
            folder = archives.unpack(writer.zip(root / "set.zip"), root / "unpacked")
        else:
            folder = writer.folder(root / "set")
        found = detect.read(folder)
        pixels = {image.name: image.read_rgb() for image in found.images}
        sizes = {image.name: image.size for image in found.images}
        masks = {image.name: image.read_mask() for image in found.images}
        return Read(found, pixels, sizes, masks)


def check(
    result: Read, placed: dict[str, Made], *, splits: bool = True, masks: bool = False
) -> None:
    """Names, sizes, pixels, boxes and groups are those that were written; splits and masks too."""
    wanted = {composed(stem_of(place)): one for place, one in placed.items()}
    assert set(result.pixels) == set(wanted), result.found.notes
    for image in result.found.images:
        one = wanted[image.name]
        assert result.sizes[image.name] == one.size
        assert (result.pixels[image.name] == one.pixels).all()
        boxes = {(b.class_name, tuple(round(v, 4) for v in b.xyxy)) for b in image.boxes}
        assert boxes == one.expected
        assert image.group == (one.group or image.name)
        assert not splits or image.split == one.split
        assert not masks or (result.masks[image.name] == one.mask).all()


@few
@given(
    writers,
    dialects,
    sets(),
    st.sampled_from(("folders", "lists", "darknet", "beside", "Capitals")),
    st.booleans(),
    st.booleans(),
)
def test_yolo(writer, dialect, images, style, turned, packed):
    placed = written.yolo(writer, images, style, turned)
    written.metadata(writer, dialect, placed)
    result = read(writer, packed)
    assert result.found.layout == "yolo" and set(result.found.classes) == set(CLASSES)
    check(result, placed, splits=style != "beside", masks=turned)


@few
@given(writers, dialects, sets(), st.booleans(), st.booleans())
def test_coco(writer, dialect, images, windows, packed):
    placed = written.coco(writer, images, windows)
    written.metadata(writer, dialect, placed)
    result = read(writer, packed)
    assert result.found.layout == "coco"
    check(result, placed, masks=True)


@few
@given(writers, dialects, sets(), st.booleans())
def test_voc(writer, dialect, images, packed):
    placed = written.voc(writer, images)
    written.metadata(writer, dialect, placed)
    result = read(writer, packed)
    assert result.found.layout == "voc"
    check(result, placed)


@few
@given(writers, dialects, sets(), st.booleans(), st.booleans())
def test_labelme(writer, dialect, images, apart, packed):
    placed = written.labelme(writer, images, apart)
    written.metadata(writer, dialect, placed)
    result = read(writer, packed)
    assert result.found.layout == "labelme"
    check(result, placed, masks=True)

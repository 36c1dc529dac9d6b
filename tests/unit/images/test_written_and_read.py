"""Random sets are written in each layout of labelled images, and read back equal."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend import archives
from backend.images.folder import composed, stem_of
from backend.synthesis.labelled import reading
from tests.unit.images import written
from tests.unit.images.written import CLASSES, Made, Writer, dialects, sets, writers

few = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def read(writer: Writer, packed: bool) -> reading.Import:
    """The set as it is read from a folder or a zip; its pixels are drawn meanwhile."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        if packed:
            found = archives.unpack(writer.zip(root / "set.zip"), root / "unpacked")
        else:
            found = writer.folder(root / "set")
        result = reading.read(found)
        for image in result.images:
            PIXELS[image.name], MASKS[image.name] = image.read_rgb(), image.read_mask()
    return result


PIXELS: dict[str, np.ndarray] = {}
MASKS: dict[str, np.ndarray | None] = {}


def check(
    result: reading.Import,
    placed: dict[str, Made],
    *,
    splits: bool = True,
    groups: bool = True,
    classes: bool = True,
    masks: bool = False,
) -> None:
    wanted = {composed(stem_of(place)): one for place, one in placed.items()}
    assert {image.name for image in result.images} == set(wanted), result.notes
    for image in result.images:
        one = wanted[image.name]
        assert (image.width, image.height) == one.size
        assert (PIXELS[image.name] == one.pixels).all()
        found = {
            (b.class_name if classes else "", tuple(round(v, 4) for v in b.xyxy))
            for b in image.boxes
        }
        assert found == {(name if classes else "", xyxy) for name, xyxy in one.expected}
        if splits:
            assert image.split == one.split
        if groups:
            assert image.group == (one.group or image.name)
        if masks:
            assert (MASKS[image.name] == one.mask).all()


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
    assert result.layout == "yolo" and set(result.classes) == set(CLASSES)
    check(result, placed, splits=style != "beside", masks=turned)


@few
@given(writers, dialects, sets(), st.booleans(), st.booleans())
def test_coco(writer, dialect, images, windows, packed):
    placed = written.coco(writer, images, windows)
    written.metadata(writer, dialect, placed)
    result = read(writer, packed)
    assert result.layout == "coco"
    check(result, placed, masks=True)


@few
@given(writers, dialects, sets(), st.booleans())
def test_voc(writer, dialect, images, packed):
    placed = written.voc(writer, images)
    written.metadata(writer, dialect, placed)
    result = read(writer, packed)
    assert result.layout == "voc"
    check(result, placed)


@few
@given(writers, dialects, sets(), st.booleans(), st.booleans())
def test_labelme(writer, dialect, images, apart, packed):
    placed = written.labelme(writer, images, apart)
    written.metadata(writer, dialect, placed)
    result = read(writer, packed)
    assert result.layout == "labelme"
    check(result, placed, masks=True)


pytestmark = pytest.mark.filterwarnings("ignore")

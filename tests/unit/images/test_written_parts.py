"""Random sets of parts are written in each layout, and read back equal by both flows."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from backend.images import archives, imagefiles
from backend.images.folder import composed, stem_of
from backend.images.formats import detect
from backend.images.labelled_image import LabelledImage, Marks
from backend.images.masks import union
from backend.inspection.parts.importers import detect as parts_reading
from backend.inspection.parts.importers.listing import Listed
from tests.unit.images import written_parts
from tests.unit.images.written import Writer, dialects, join, sets, writers

few = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass
class Read:
    """What both flows read, and the masks, drawn while the files are there."""

    parts: dict[str, tuple[Listed, np.ndarray | None]]
    images: dict[str, tuple[LabelledImage, np.ndarray | None]]
    root: str


def quiet(fraction, message="", **_):
    pass


def both(writer: Writer, packed: bool, labelled: bool = True) -> Read:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        path = writer.zip(root / "set.zip") if packed else writer.folder(root / "set")
        folder = parts_reading.placed(path, root / "run", quiet)
        found = parts_reading.read(folder, "auto")
        parts = {
            one.image: (one, union(one.masks, *imagefiles.size(one.path)) if one.masks else None)
            for one in found.entries
        }
        images = {}
        if labelled:
            again = archives.unpack(path, root / "again") if packed else path
            images = {i.name: (i, i.read_mask()) for i in detect.read(again).images}
        return Read(parts, images, folder.name)


@pytest.mark.parametrize("style", written_parts.STYLES)
@few
@given(writers, sets(most_boxes=1), st.booleans(), st.sampled_from(("", "oben ü")))
def test_parts_and_their_masks(style, writer, images, packed, above):
    placed = written_parts.write(writer, images, style, above)
    found = both(writer, packed)
    cut = only_folder(writer.files) if packed else ""
    wanted = {composed(place).removeprefix(cut): part for place, part in placed.items()}
    assert set(found.parts) == set(wanted)
    for place, part in wanted.items():
        one, mask = found.parts[place]
        assert bool(one.label) == part.good and one.defect == part.defect
        assert one.feature == composed(feature(part, found.root, style, above if not cut else ""))
        group = join(above, part.group) if part.group else place
        assert one.group == composed(group).removeprefix(cut)
        image, drawn = found.images[stem_of(place)]
        assert image.marks is Marks.KNOWN
        if part.good:
            assert mask is None and not image.boxes
        else:
            assert (mask == part.made.mask).all() and (drawn == part.made.mask).all()
            assert [tuple(map(round, box.xyxy)) for box in image.boxes] == [part.made.boxes[0][1]]
            assert {box.class_name for box in image.boxes} == {
                part.defect.replace(" ", "_") or "defect"
            }


def only_folder(places: Iterable[str]) -> str:
    """The folder that all lies in, with a slash; it is the set where it comes out of a zip."""
    tops = {composed(place).partition("/")[0] for place in places}
    return f"{tops.pop()}/" if len(tops) == 1 else ""


def feature(part: written_parts.Part, root: str, style: str, above: str) -> str:
    """Folders above a type are part of its name, but not in MVTec's layout."""
    if style in ("mvtec", "loco", "btad"):
        return part.feature
    return "-".join(filter(None, (above, part.feature))) or root


@few
@given(writers, dialects, sets(most_boxes=1), st.booleans())
def test_a_table_of_parts(writer, dialect, images, packed):
    placed = written_parts.table(writer, dialect, images)
    found = both(writer, packed, labelled=False)
    assert set(found.parts) == {composed(place) for place in placed}
    for place, part in placed.items():
        one, _ = found.parts[composed(place)]
        corners = part.made.boxes[0][1] if part.made.boxes else None
        assert one.box == (corners and tuple(value + 0.5 for value in corners))
        assert (bool(one.label), one.feature, one.defect) == (part.good, part.feature, part.defect)
        assert one.group == (part.group or composed(place))


@few
@given(
    st.sampled_from((10, 12, 14, 16)),
    st.booleans(),
    st.sampled_from(("png", "tif")),
    st.integers(0, 2**20),
)
def test_deep_pictures(bits, left, suffix, seed):
    """left: the bits in use are the highest ones, as some cameras write them."""
    white = 2**bits - 1
    noise = np.random.default_rng(seed)
    values = [noise.integers(0, white + 1, (9, 11)) | (np.arange(11) == 3) for _ in range(3)]
    values[0][0, 0] = white
    with tempfile.TemporaryDirectory() as place:
        shifted = [v << (16 - bits) if left else v for v in values]
        paths = [Path(place) / f"{k}.{suffix}" for k in range(3)]
        for path, pixels in zip(paths, shifted, strict=True):
            Image.fromarray(pixels.astype(np.uint16)).save(path)
        for image, pixels in zip(detect.read(Path(place)).images, values, strict=True):
            wanted = np.round(pixels / white * 255)
            assert np.abs(image.read_rgb()[..., 0] - wanted).max() <= 1

"""Hostile label files, pictures and zips: read, or refused in a sentence; nothing lies outside.

`HOSTILE_FILES=2000` in the environment tries that many of each instead of a few.
"""

import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from backend.images import archives
from backend.images.formats import detect
from backend.inspection.parts.importers import detect as parts
from backend.records import UserError

TRIES = int(os.environ.get("HOSTILE_FILES", "40"))
slowly = settings(
    max_examples=TRIES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
NASTY = ("../../out.png", "/etc/passwd", "a\0b", "", "..", "C:\\x", "é" * 300, "a.png", "images/a")
NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from((10**400, -1, 0, 2**63, 1e308, "nan", "1e999"))
)
WORDS = st.one_of(st.sampled_from(NASTY), st.text(max_size=8))
SCALARS = st.one_of(NUMBERS, WORDS, st.none(), st.booleans())
KEYS = (
    *("images", "annotations", "categories", "shapes", "points", "bbox", "id", "image_id"),
    *("file_name", "category_id", "segmentation", "label", "imagePath", "width", "names", "path"),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=20,
)
COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 8, "height": 8}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4]}],
    "categories": [{"id": 1, "name": "crack"}],
}
VOC = (
    "<annotation><filename>a.png</filename><size><width>8</width><height>8</height></size><object>"
    "<name>crack</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>4</ymax></bndbox>"
    "</object></annotation>"
)
LABELME = {
    "imagePath": "a.png",
    "shapes": [{"label": "crack", "shape_type": "rectangle", "points": [[1, 1], [4, 4]]}],
}
SOUND = {  # place of a label file → what a sound one says
    "a.txt": "0 .5 .5 .2 .2\n",
    "data.yaml": "names: [crack]\ntrain: images\n",
    "labels.json": json.dumps(COCO),
    "a.json": json.dumps(LABELME),
    "a.xml": VOC,
    "metadata.csv": "file_name,feature,label,group\na.png,dots,GOOD,1\n",
    "image_anno.csv": "object,split,label,image,mask\nx,test,normal,a.png,\n",
}


def png() -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(content, "PNG")
    return content.getvalue()


@st.composite
def damaged(draw, sound: bytes) -> bytes:
    """The bytes with pieces of them replaced, taken out or doubled."""
    content = bytearray(sound)
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(content)))
        end = draw(st.integers(begin, min(len(content), begin + 12)))
        nasty = [b"", b"\xff\xfe", b"../..", b"-1e999", b"\0", b"<!ENTITY", b"[[[[", b"!!python"]
        content[begin:end] = draw(st.sampled_from(nasty) | st.binary(max_size=6))
    return bytes(content)


@st.composite
def label_files(draw) -> dict[str, bytes]:
    """Some label files beside the picture a.png, each damaged or made up."""
    chosen = draw(st.lists(st.sampled_from(list(SOUND)), min_size=1, max_size=3, unique=True))
    made = {}
    for name in chosen:
        if name.endswith((".json", ".yaml")) and draw(st.booleans()):
            made[name] = json.dumps(draw(JSON)).encode("utf-8", "replace")
        else:
            made[name] = draw(damaged(SOUND[name].encode()))
    return made


def read_or_refused(read) -> None:
    """Anything but a UserError in plain words is a defect."""
    try:
        read()
    except UserError as error:
        assert 0 < len(str(error)) < 2000
        assert "Traceback" not in str(error)


@pytest.mark.parametrize("read", [detect.read, parts.read], ids=["images", "parts"])
@slowly
@given(files=label_files(), picture=st.one_of(st.just(png()), damaged(png())))
def test_a_hostile_folder_is_read_or_refused(read, files, picture):
    with tempfile.TemporaryDirectory() as outer:
        folder = Path(outer) / "set"
        folder.mkdir()
        (folder / "a.png").write_bytes(picture)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        read_or_refused(lambda: read(folder, "auto"))
        assert [one.name for one in Path(outer).iterdir()] == ["set"]


@slowly
@given(
    names=st.lists(WORDS | st.sampled_from(list(SOUND)), min_size=1, max_size=4),
    cut=st.integers(0, 40),
    data=st.data(),
)
def test_a_hostile_zip_stays_in_its_folder(names, cut, data):
    with tempfile.TemporaryDirectory() as outer:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            for name in dict.fromkeys(names):
                packed.writestr(zipfile.ZipInfo(name or "x"), png())
        content = buffer.getvalue()
        if cut:
            content = data.draw(damaged(content))
        path = Path(outer) / "set.zip"
        path.write_bytes(content)
        read_or_refused(lambda: archives.unpack(path, Path(outer) / "into"))
        assert {one.name for one in Path(outer).iterdir()} <= {"set.zip", "into"}

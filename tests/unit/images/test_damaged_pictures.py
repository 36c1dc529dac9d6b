"""A damaged picture is told alike whatever was imported before: ultralytics replaces Image.open."""

import pytest
from PIL import Image

from backend.images import imagefiles
from backend.records import UserError

DAMAGED = {
    "words.png": b"nothing",
    "empty.jpg": b"",
    "start.jpg": b"\xff\xd8\xff\xe0",
    "start.tif": b"II*\0nothing",
    "start.webp": b"RIFF....WEBPxx",
    "start.bmp": b"BM",
}


@pytest.mark.parametrize("patched", (False, True), ids=("PIL's own", "ultralytics'"))
@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_damaged_picture_is_a_plain_sentence(tmp_path, monkeypatch, name, patched):
    from ultralytics.utils import patches

    monkeypatch.setattr(Image, "open", patches.image_open if patched else patches._image_open)
    (tmp_path / name).write_bytes(DAMAGED[name])
    with pytest.raises(UserError, match=f"{name}' is no readable image. Replace or remove it."):
        imagefiles.read_rgb(tmp_path / name)

"""Uploaded zips: what is unpacked, what is passed over, what is refused."""

import io
import stat
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.images import archives
from backend.records import Cancelled, UserError


def png() -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(content, "PNG")
    return content.getvalue()


def packed(path: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def into(tmp_path):
    return tmp_path / "unpacked"


def test_images_and_labels_come_out_and_all_else_stays_behind(tmp_path, into):
    wanted = {"images/a.png": png(), "labels/a.txt": b"0 .5 .5 .1 .1", "data.yaml": b"{}"}
    other = ("run.py", "a.exe", ".hidden/b.png", "__MACOSX/images/._a.png", "images/.a.png", "x/")
    archive = packed(tmp_path / "set.zip", {**wanted, **dict.fromkeys(other, b"x")})
    assert archives.unpack(archive, into) == into
    found = {p.relative_to(into).as_posix(): p.read_bytes() for p in into.rglob("*") if p.is_file()}
    assert found == wanted


def test_a_single_top_folder_is_the_data_sets_folder(tmp_path, into):
    archive = packed(tmp_path / "set.zip", {"glass/images/a.png": png(), "glass/data.yaml": b"{}"})
    assert archives.unpack(archive, into) == into / "glass"


def test_backslashes_part_folders(tmp_path, into):
    archives.unpack(packed(tmp_path / "set.zip", {"b\\a.png": png(), "c.png": png()}), into)
    assert (into / "b" / "a.png").is_file()


@pytest.mark.parametrize(
    "name",
    ["../a.png", "x/../../a.png", "/tmp/a.png", "..\\a.png", "C:/a.png", "C:\\a.png", "../a.py"],
)
def test_a_name_that_leaves_the_folder_is_refused_and_nothing_is_written(tmp_path, into, name):
    archive = packed(tmp_path / "set.zip", {"ok.png": png(), name: png()})
    with pytest.raises(UserError, match="outside its folder"):
        archives.unpack(archive, into)
    assert not into.exists()
    assert [p.name for p in tmp_path.rglob("*.png")] == []


def test_a_link_is_refused(tmp_path, into):
    link = zipfile.ZipInfo("a.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("ok.png", png())
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match=r"link 'a\.png'"):
        archives.unpack(tmp_path / "set.zip", into)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, into):
    archive = packed(tmp_path / "set.zip", {"a.png": png(), "b.txt": bytes(11_000_000)})
    with pytest.raises(UserError, match=r"b\.txt.*times its size"):
        archives.unpack(archive, into)
    assert not into.exists()


def test_many_files_and_many_bytes_are_refused(tmp_path, into, monkeypatch):
    archive = packed(tmp_path / "set.zip", {"a.png": png(), "b.png": png(), "c.png": png()})
    monkeypatch.setattr(archives, "MOST_BYTES", 2 * len(png()))
    with pytest.raises(UserError, match="GB are the most"):
        archives.unpack(archive, into)
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    with pytest.raises(UserError, match="holds 3 files"):
        archives.unpack(archive, into)


def test_an_encrypted_zip_is_named_as_such(tmp_path, into):
    archive = packed(tmp_path / "set.zip", {"a.png": png()})
    content = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(signature) + offset
        content[at : at + 2] = struct.pack("<H", 1)
    archive.write_bytes(content)
    with pytest.raises(UserError, match="encrypted"):
        archives.unpack(archive, into)


@pytest.mark.parametrize("damage", ["text", "empty", "cut", "flipped"])
def test_what_is_no_sound_zip_is_refused_and_leaves_nothing(tmp_path, into, damage):
    archive = packed(tmp_path / "set.zip", {"a.png": png() * 20}, zipfile.ZIP_STORED)
    content = bytearray(archive.read_bytes())
    flipped = content.copy()
    flipped[200] ^= 255
    damaged = {"text": b"hello", "empty": b"", "cut": content[:-30], "flipped": flipped}
    archive.write_bytes(damaged[damage])
    with pytest.raises(UserError, match=r"set\.zip is no zip file, or a damaged one"):
        archives.unpack(archive, into)
    assert not into.exists()


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"a.txt": b"x"}, "holds no image"),
        ({"a.png": b"x", "b/../b.txt": b"x"}, "outside"),
        ({"a.png": b"x", "a.png/b.png": b"x"}, "Cannot unpack"),
        ({"b/a.png": b"x", "b\\a.png": b"x"}, "twice"),
        ({"n" * 300 + ".png": b"x"}, "Cannot unpack"),
    ],
)
def test_contents_that_cannot_be_used_are_named(tmp_path, into, members, words):
    with pytest.raises(UserError, match=words):
        archives.unpack(packed(tmp_path / "set.zip", members), into)


def test_a_missing_file_is_named(tmp_path, into):
    with pytest.raises(UserError, match="There is no file"):
        archives.unpack(tmp_path / "gone.zip", into)


def test_a_cancel_ends_the_unpacking_and_leaves_nothing(tmp_path, into):
    def cancel(fraction, message="", **_):
        raise Cancelled

    archive = packed(tmp_path / "set.zip", {"a.png": png(), "b.png": png()})
    with pytest.raises(Cancelled):
        archives.unpack(archive, into, cancel)
    assert not into.exists()


def test_a_member_without_a_name_is_refused(tmp_path, into):
    path = packed(tmp_path / "set.zip", {"nameless": b"x"}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"nameless", b"\0ameless"))
    with pytest.raises(UserError, match="without a name"):
        archives.unpack(path, into)
    assert not into.exists()


@pytest.mark.parametrize("name", ["set.zip", "n" * 300 + ".zip", "x.txt"])
def test_what_is_not_there_or_no_zip_by_name_is_left_to_its_reader(tmp_path, name):
    (tmp_path / "x.txt").write_text("no zip")
    archives.check(tmp_path / name)

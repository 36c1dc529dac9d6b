"""Files dropped into the browser: each is kept, under a name of its own."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.core import uploads
from backend.records import UserError
from backend.settings import settings as of_process

NFC, NFD = (unicodedata.normalize(form, "prüfling.png") for form in ("NFC", "NFD"))


@dataclass
class Dropped:
    name: str
    content: bytes = b""

    def getbuffer(self) -> bytes:
        return self.content


def kept(*names: str) -> dict[str, bytes]:
    """Name on disk → content, of files whose contents are their places."""
    files = [Dropped(name, b"%d" % k) for k, name in enumerate(names)]
    folder = uploads.keep(of_process().uploads, files)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["000.jpg", "000.jpg", "000.jpg"], ["000.jpg", "000_2.jpg", "000_3.jpg"]),
        (["000.jpg", "000.jpg", "000_2.jpg"], ["000.jpg", "000_3.jpg", "000_2.jpg"]),
        (["cam1/000.jpg", "cam2\\000.jpg"], ["000.jpg", "000_2.jpg"]),
        (["teil 1.jpg", "teil_1.jpg"], ["teil_1.jpg", "teil_1_2.jpg"]),
        ([f"a.{'b' * 115}.jpg"], [f"{'b' * 115}.jpg"]),  # no hidden file by being cut
        (["A.JPG", "a.jpg", "a.png"], ["A.JPG", "a_2.jpg", "a.png"]),
        (["straße.png", "STRASSE.png"], ["straße.png", "STRASSE_2.png"]),
        ([NFC, NFD], [NFC, "prüfling_2.png"]),
        (["", "..", "...."], ["file", "file_2", "file_3"]),
        ([f"A{'x' * 130}.jpg", f"B{'x' * 130}.jpg"], [f"{'x' * 116}.jpg", f"{'x' * 116}_2.jpg"]),
    ],
)
def test_no_file_overwrites_another(names, wanted):
    assert kept(*names) == {name: b"%d" % k for k, name in enumerate(wanted)}


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.text(max_size=300), min_size=1, max_size=8))
def test_whatever_they_are_called_each_file_is_kept(names):
    names = [name for name in names if not name.lower().endswith(".zip")] or ["a"]
    found = kept(*names)
    assert sorted(found.values()) == sorted(b"%d" % k for k in range(len(names)))
    assert len({unicodedata.normalize("NFD", name).casefold() for name in found}) == len(names)


def test_a_zip_goes_alone_and_a_full_disk_is_told(monkeypatch):
    assert uploads.keep(of_process().uploads, [Dropped("a/Teile 1.ZIP")]).name == "Teile_1.ZIP"
    for names in (("a.zip", "b.jpg"), ("a.zip", "b.zip")):
        with pytest.raises(UserError, match="one zip alone"):
            kept(*names)

    def full(self, *_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(UserError, match=r"cannot be kept in .*: No space left on device. Make"):
        kept("a.jpg")

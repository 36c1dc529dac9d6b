"""What a form says about the files dropped into it."""

from dataclasses import dataclass

from pages.ui import uploads


@dataclass
class Dropped:
    name: str

    def getbuffer(self) -> bytes:
        return b""


def test_what_was_numbered_is_told():
    files = [Dropped(name) for name in ["000.jpg"] * 8]
    said = uploads.renamed({"folder": files, "count": 3})
    assert said.startswith("7 of the uploaded files had a name that another has too")
    assert "000.jpg → 000_2.jpg" in said
    assert "and 2 more" in said
    assert uploads.renamed({"folder": [Dropped("a b.jpg"), Dropped("c.jpg")], "x": ""}) == ""

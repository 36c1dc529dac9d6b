"""Kept crops stay within their limits, the oldest go first."""

import os

import numpy as np
import pytest
from PIL import Image

from backend.line.part import Captured, Part, Verdict
from backend.line.pictures import FOLDER, Limits, Pictures


def part(k, picture=b"\x89PNG....", captured=1.0):
    return Part(k, 1, k, Captured(picture, "dot", captured), 0.0)


@pytest.fixture
def kept(tmp_path):
    return lambda **limits: Pictures(
        tmp_path, "line", Limits(**{"share": 1.0, "bytes": 10**6, "files": 100} | limits)
    )


def names(home):
    return sorted(path.name for path in (home / FOLDER).glob("*/*"))


def test_a_crop_lies_in_the_folder_of_its_day(kept, tmp_path):
    found = kept().keep(part(7, captured=86400.0 * 365), Verdict.BAD, None)
    assert found == "pictures/19710101/1-7.png"
    assert (tmp_path / found).read_bytes() == b"\x89PNG...."


@pytest.mark.parametrize(
    ("picture", "ending"), [(b"\xff\xd8\xff\xe0", ".jpg"), (b"BM12", ".bmp"), (b"??", ".bin")]
)
def test_its_ending_is_that_of_its_content(kept, picture, ending):
    assert kept().keep(part(1, picture), Verdict.REVIEW, None).endswith(ending)


def test_its_map_lies_beside_it(kept, tmp_path):
    grid = np.array([[0.0, 6.0], [12.0, np.nan]], np.float32)
    found = kept().keep(part(1), Verdict.BAD, grid)
    with Image.open((tmp_path / found).with_suffix(".map.png")) as image:
        assert np.asarray(image).tolist() == [[0, 127], [255, 0]]


def test_without_a_picture_there_is_nothing_to_keep(kept):
    assert kept().keep(part(1, b""), Verdict.UNINSPECTED, None) == ""


def test_the_oldest_go_where_there_are_too_many(kept, tmp_path):
    pictures = kept(files=3)
    for k in range(5):
        pictures.keep(part(k), Verdict.BAD, None)
    assert pictures.tidy() == 2
    assert names(tmp_path) == ["1-2.png", "1-3.png", "1-4.png"]


def test_the_oldest_go_where_they_are_too_large_also_after_a_restart(kept, tmp_path):
    for k in range(3):
        kept().keep(part(k, captured=86400.0 * k), Verdict.BAD, None)
    assert kept(bytes=9).tidy() == 2
    assert names(tmp_path) == ["1-2.png"]
    assert len(list((tmp_path / FOLDER).iterdir())) == 1, "an empty day's folder goes too"


def test_the_oldest_go_whatever_the_clock_says(kept, tmp_path):
    for k, day in enumerate((9, 1, 5)):
        found = kept().keep(part(k, captured=86400.0 * day), Verdict.BAD, None)
        os.utime(tmp_path / found, (86400.0 * day,) * 2)
    assert kept(files=1).tidy() == 2
    assert names(tmp_path) == ["1-2.png"]


def test_a_sample_is_drawn_by_the_key_alone(kept, tmp_path):
    drawn = [bool(kept(share=0.5).keep(part(k), Verdict.GOOD, None)) for k in range(40)]
    again = [bool(kept(share=0.5).keep(part(k, b"BM"), Verdict.GOOD, None)) for k in range(40)]
    assert drawn == again
    assert 5 < sum(drawn) < 35


def test_a_folder_that_cannot_be_written_is_a_trouble_and_no_end(kept, tmp_path):
    (tmp_path / FOLDER).write_text("in the way")
    pictures = kept()
    assert pictures.keep(part(1), Verdict.BAD, None) == ""
    assert "Make room" in pictures.trouble


def test_the_picture_of_a_part_drawn_for_review_is_kept_whatever_its_verdict(kept):
    pictures = kept(share=0.0, blind=0.3)
    drawn = [pictures.blind(part(k), Verdict.GOOD) for k in range(300)]
    assert set(drawn) == {0.0, 0.3} and 50 < sum(one > 0 for one in drawn) < 130
    assert drawn == [pictures.blind(part(k), Verdict.BAD) for k in range(300)]
    assert [bool(pictures.keep(part(k), Verdict.GOOD, None)) for k in range(300)] == [
        one > 0 for one in drawn
    ]
    assert not any(pictures.blind(part(k), Verdict.UNINSPECTED) for k in range(300))


def test_more_parts_are_drawn_while_new_limits_wait_for_them(kept):
    pictures, none = kept(blind=0.01), kept(blind=0.0)
    pictures.suspended = none.suspended = True
    assert {pictures.blind(part(k), Verdict.GOOD) for k in range(200)} == {0.0, 0.2}
    assert not any(none.blind(part(k), Verdict.GOOD) for k in range(200))

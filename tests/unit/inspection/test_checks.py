"""The checks before any model: what they call a problem, and what they leave alone."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from backend.images import duplicates
from backend.inspection.parts.checks import copies, data_checks
from backend.inspection.parts.crops import measures_of
from backend.inspection.parts.simulator import plan, simulate_part


def table(n_good=20, n_bad=15, **columns) -> pd.DataFrame:
    """Parts of one type with nothing wrong: groups of five with both labels, all different."""
    n = n_good + n_bad
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"part": [f"p{k}" for k in range(n)], "feature": "dots"})
    frame["label"] = [1] * n_good + [0] * n_bad
    frame["group"] = [f"g{k % 7}" for k in range(n)]
    frame["brightness"] = random.normal(120, 5, n)
    frame["width"] = frame["height"] = 128
    frame["digest"] = frame["part"]
    frame["near_group"] = 0
    return frame.assign(**columns)


def levels(frame, left_out=0, without=0) -> dict[str, str]:
    found = data_checks.find(frame, data_checks.tell_tales(frame), left_out, without)
    return {one.subject: one.level for one in found if one.level != data_checks.OK}


def words(frame) -> str:
    return " ".join(
        one.words for one in data_checks.find(frame, data_checks.tell_tales(frame), 0, 0)
    )


def test_good_data_gives_no_warning():
    assert levels(table()) == {}


def test_few_parts_of_a_label_are_named():
    assert levels(table(n_good=9, n_bad=12))["GOOD parts"] == data_checks.PROBLEM
    assert levels(table(n_bad=9)) == {"BAD parts": data_checks.LOOK}


def test_brightness_that_tells_good_from_bad_is_a_problem():
    frame = table()
    frame.loc[frame["label"] == 0, "brightness"] -= 8
    assert levels(frame) == {"Brightness": data_checks.PROBLEM}
    assert "dots (BAD is darker" in words(frame) and "learn the lighting" in words(frame)


def test_a_difference_that_so_few_parts_may_show_by_chance_is_none():
    frame = table(n_good=20, n_bad=9)
    frame.loc[frame["label"] == 0, "brightness"] += 40
    assert "Brightness" not in levels(frame)


def test_the_measure_counts_in_whichever_direction_it_tells():
    frame = table()
    up, down = frame.copy(), frame.copy()
    up.loc[up["label"] == 0, "brightness"] += 6
    down["brightness"] = -up["brightness"]
    one, other = (data_checks.tell_tales(f)[0] for f in (up, down))
    assert one["value"] > 0.7
    assert [one[k] for k in ("value", "low", "high")] == pytest.approx(
        [other[k] for k in ("value", "low", "high")]
    )


def test_copies_in_another_group_or_under_another_label_are_problems():
    frame = table()
    frame.loc[[0, 7], "digest"] = "same"  # one group
    assert levels(frame) == {"Copies": data_checks.LOOK}
    frame.loc[[0, 1], "digest"] = "same"
    assert levels(frame) == {"Copies": data_checks.PROBLEM}
    frame = table()
    frame.loc[[6, 20], "digest"] = "same"  # one group, GOOD and BAD
    assert "GOOD once and BAD once: p6, p20" in words(frame)


def test_look_alikes_count_between_groups_only():
    frame = table()
    frame.loc[[0, 7], "near_group"] = 1
    assert levels(frame) == {}
    frame.loc[[1, 2], "near_group"] = 2
    assert levels(frame) == {"Leaks": data_checks.LOOK}


def test_groups_of_one_label_each_are_a_problem():
    frame = table(n_good=20, n_bad=20)
    frame["group"] = np.where(frame["label"] == 1, "monday", "tuesday")
    found = words(frame)
    assert "No group holds both GOOD and BAD" in found and "fewer than 5 groups: dots (1)" in found


def test_sizes_that_differ_or_are_not_square_are_told():
    wide = table(width=200)
    assert levels(wide) == {"Sizes": data_checks.LOOK} and "dots (1:1.6)" in words(wide)
    mixed = table()
    mixed.loc[::2, ["width", "height"]] = 200
    assert "area up to 2.4" in words(mixed)


def test_left_out_pictures_are_told():
    assert levels(table(), left_out=2, without=3) == {
        "Files": data_checks.LOOK,
        "Detector": data_checks.LOOK,
    }


# copies by their pixels


@pytest.fixture(scope="module")
def prints() -> list[tuple[str, np.ndarray]]:
    """A feature type whose prints look alike by design."""
    rows = [(feature, label, seed) for feature, label, _, seed in plan(0.3, 0)]
    return [(f, simulate_part(f, label, seed).image) for f, label, seed in rows if f == "angle"]


def changed(pixels: np.ndarray) -> dict[str, np.ndarray]:
    jpeg = BytesIO()
    Image.fromarray(pixels).save(jpeg, "jpeg", quality=70)
    return {
        "jpeg": np.asarray(Image.open(jpeg)),
        "smaller": np.asarray(Image.fromarray(pixels).resize((96, 96), Image.Resampling.LANCZOS)),
        "brighter": np.clip(pixels.astype(int) + 12, 0, 255).astype(np.uint8),
    }


def near(images: list[tuple[str, np.ndarray]]) -> list[int]:
    greys = np.stack([duplicates.grey(pixels) for _, pixels in images])
    return list(copies.near(greys, pd.Series([feature for feature, _ in images])))


def test_prints_of_one_type_are_no_copies_of_each_other(prints):
    assert near(prints) == [0] * len(prints)


@pytest.mark.parametrize("way", ["jpeg", "smaller", "brighter"])
def test_a_changed_copy_of_a_print_is_found(prints, way):
    feature, pixels = prints[5]
    found = near([*prints, (feature, changed(pixels)[way])])
    assert found[5] == found[-1] == 1
    assert sum(number > 0 for number in found) == 2


def test_a_copy_of_another_type_is_none(prints):
    assert near([*prints, ("dots", prints[5][1])]) == [0] * (len(prints) + 1)


def test_the_digest_is_of_the_pixels_and_their_shape():
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    turned = pixels.reshape(2, 8, 3)
    digests = {measures_of(p)["digest"] for p in (pixels, pixels.copy(), turned)}
    assert len(digests) == 2

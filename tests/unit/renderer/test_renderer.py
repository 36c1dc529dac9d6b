"""The renderer's promises: same seed same bytes, masks and boxes that fit what one sees."""

import json

import cv2
import numpy as np
import pytest

from backend.renderer import CLASSES, Rendered, render

LIGHTINGS = ("back light", "dark field", "bright field", "photograph")


def difference(shot: Rendered) -> np.ndarray:
    """Largest channel difference to the intact scene, int [H, W]."""
    return np.abs(shot.image.astype(int) - shot.background.astype(int)).max(2)


def grown(mask: np.ndarray, radius: int) -> np.ndarray:
    return cv2.dilate(mask, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)) > 0


def plain_photograph(height: int, width: int) -> np.ndarray:
    ramp = np.linspace(90, 200, width)[None, :, None].repeat(height, 0).repeat(3, 2)
    return ramp.astype(np.uint8)


def test_same_seed_same_bytes_whatever_came_before() -> None:
    first = render(41, 160, classes=CLASSES)
    render(7, 192)
    again = render(41, 160, classes=CLASSES)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.mask, again.mask)
    assert first.boxes == again.boxes
    assert first.params == again.params
    assert not np.array_equal(first.image, render(42, 160, classes=CLASSES).image)


@pytest.mark.parametrize("lighting", LIGHTINGS)
@pytest.mark.parametrize("name", CLASSES)
def test_every_class_shows_under_every_lighting(name: str, lighting: str) -> None:
    for seed in range(4):
        shot = render(seed, 128, classes=(name,), lighting=lighting, defects=(1, 1))
        assert shot.image.shape == shot.background.shape == (128, 128, 3)
        assert shot.image.dtype == shot.mask.dtype == np.uint8
        assert set(np.unique(shot.mask)) == {0, 255}
        assert [box.class_name for box in shot.boxes] == [name]
        assert shot.boxes[0].source == "exact"
        assert shot.params["lighting"] == lighting
        assert json.loads(json.dumps(shot.params)) == shot.params


@pytest.mark.parametrize("lighting", LIGHTINGS)
def test_mask_is_where_the_image_differs_from_its_background(lighting: str) -> None:
    inside, outside, strong = [], [], []
    for seed in range(12):
        shot = render(seed, 192, classes=CLASSES, lighting=lighting, defects=(1, 2))
        change, near = difference(shot), grown(shot.mask, 2)
        inside.append((change[shot.mask > 0] > 1).mean())
        outside.append(change[~near].mean())
        if (change > 25).any():
            strong.append(near[change > 25].mean())
    assert np.mean(inside) > 0.7
    assert np.mean(outside) < 1.5
    assert np.mean(strong) > 0.95


def test_on_a_plain_photograph_masks_hold_every_strong_change() -> None:
    for seed in range(12):
        shot = render(seed, 160, classes=CLASSES, background=plain_photograph(160, 160))
        assert (grown(shot.mask, 1)[difference(shot) > 20]).all()


def test_a_box_is_the_tight_box_of_its_defects_mask() -> None:
    for seed in range(20):
        shot = render(seed, 160, classes=CLASSES, defects=(1, 1))
        ys, xs = np.nonzero(shot.mask)
        tight = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
        assert shot.boxes[0].xyxy == tuple(float(v) for v in tight)


def test_several_boxes_together_span_the_mask() -> None:
    shot = render(3, 256, classes=CLASSES, defects=(5, 5))
    assert len(shot.boxes) == len(shot.params["defects"]) == 5
    boxes = np.array([box.xyxy for box in shot.boxes])
    ys, xs = np.nonzero(shot.mask)
    assert boxes[:, :2].min(0).tolist() == [xs.min(), ys.min()]
    assert boxes[:, 2:].max(0).tolist() == [xs.max() + 1, ys.max() + 1]


def test_no_defects_leave_the_scene_intact() -> None:
    for seed in range(6):
        shot = render(seed, 128, classes=CLASSES, defects=(0, 0))
        assert not shot.mask.any()
        assert shot.boxes == ()
        assert np.array_equal(shot.image, shot.background)


@pytest.mark.parametrize("size", [128, 129, 333, 1024])
def test_sizes(size: int) -> None:
    shot = render(5, size, classes=("crack", "bubble"))
    assert shot.image.shape == (size, size, 3)
    assert shot.mask.shape == (size, size)
    for box in shot.boxes:
        assert 0 <= box.xyxy[0] < box.xyxy[2] <= size
        assert 0 <= box.xyxy[1] < box.xyxy[3] <= size


def test_own_photograph_is_untouched_outside_the_region() -> None:
    photo = plain_photograph(200, 320)
    region = np.zeros((200, 320), bool)
    region[40:160, 160:300] = True
    fitted = cv2.resize(region.astype(np.uint8), (256, 256), interpolation=cv2.INTER_NEAREST) > 0
    for seed in range(10):
        shot = render(seed, classes=CLASSES, defects=(2, 2), background=photo, region=region)
        assert np.array_equal(shot.background, np.rint(resized(photo, 256) * 255).astype(np.uint8))
        assert len(shot.boxes) >= 1
        assert not (difference(shot) > 0)[~fitted].any()
        assert not shot.mask[~fitted].any()


def resized(photo: np.ndarray, size: int) -> np.ndarray:
    return cv2.resize(photo, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def test_severity_sets_how_much_of_the_picture_is_damaged() -> None:
    def damage(severity: float) -> float:
        ends = (severity, severity)
        return float(np.mean([render(k, 128, severity=ends).mask.mean() for k in range(25)]))

    assert damage(1.0) > 1.5 * damage(0.1)


def test_images_differ_widely() -> None:
    shots = [render(seed, 128, classes=CLASSES) for seed in range(60)]
    brightness = np.array([shot.image.mean() for shot in shots])
    cover = np.array([(shot.mask > 0).mean() for shot in shots])
    assert brightness.min() < 40 and brightness.max() > 170
    assert cover.min() < 0.01 and cover.max() > 0.1
    assert {shot.params["lighting"] for shot in shots} == set(LIGHTINGS)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"size": 64}, "size"),
        ({"size": 2048}, "size"),
        ({"classes": ("dent",)}, "classes"),
        ({"classes": ()}, "classes"),
        ({"lighting": "moonlight"}, "lighting"),
        ({"defects": (3, 1)}, "defects"),
        ({"defects": (-1, 1)}, "defects"),
        ({"severity": (0.0, 1.5)}, "severity"),
        ({"background": np.zeros((64, 64), np.uint8)}, "background"),
        ({"background": np.zeros((64, 64, 3), np.float32)}, "background"),
        ({"region": np.zeros((64, 64), bool)}, "region"),
    ],
)
def test_arguments_out_of_range_are_named(arguments: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        render(0, **arguments)


def test_a_scuff_is_a_band_of_many_scores() -> None:
    """It fills much more of its box than a single score does."""
    shots = [render(seed, 256, classes=("scratch",), defects=(1, 1)) for seed in range(40)]
    filled: dict[str, list[float]] = {"scuff": [], "single": []}
    for shot in shots:
        if shot.boxes and (kind := shot.params["defects"][0]["kind"]) in filled:
            x1, y1, x2, y2 = map(int, shot.boxes[0].xyxy)
            filled[kind].append(float((shot.mask[y1:y2, x1:x2] > 0).mean()))
    assert all(len(shares) >= 5 for shares in filled.values())
    assert np.median(filled["scuff"]) > 1.5 * np.median(filled["single"])

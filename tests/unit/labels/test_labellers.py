"""Automatic labels: what each labeller finds, and how sure it says it is."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import spearmanr

from backend.images import imagefiles
from backend.labels import labellers, ridges
from backend.labels.agreement.overlap import mask_iou, near_f1
from backend.records import UserError


def scene(seed: int = 0, size: int = 192, noise: float = 2.0) -> np.ndarray:
    """A grey pane with soft light and noise, float [H, W]."""
    random = np.random.default_rng(seed)
    light = np.linspace(0, 60, size)[None] + np.linspace(0, 30, size)[:, None]
    return 110 + light + random.normal(0, noise, (size, size))


def wavy_line(size: int, slope: float = 0.8, start: float = 20) -> np.ndarray:
    """A line that is not straight, bool [H, W], about 3 px wide, over most of the image."""
    columns = np.arange(15, size - 15)
    rows = start + slope * columns * 0.8 + 6 * np.sin(columns / 9)
    line = np.zeros((size, size), bool)
    line[np.clip(np.rint(rows), 0, size - 1).astype(int), columns] = True
    return ndimage.binary_dilation(line, iterations=1)


def as_image(grey: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, -1)


@pytest.mark.parametrize("tone", [-25, 25], ids=["dark", "bright"])
def test_a_line_is_found_whether_dark_or_bright_under_uneven_light(tone):
    line = wavy_line(192)
    guess = labellers.edges(as_image(scene() + tone * line), "crack")
    assert near_f1(line, guess.mask > 0) > 0.8
    assert len(guess.boxes) == 1
    box = guess.boxes[0]
    assert (box.class_name, box.source) == ("crack", "edges")
    assert 0 < box.confidence <= 1


def test_a_plain_pane_and_a_step_are_no_lines():
    step = scene(1)
    step[:, 100:] += 40
    assert not labellers.edges(as_image(scene(2))).mask.any()
    assert not labellers.edges(as_image(step)).mask.any()


def test_a_joint_along_the_axis_is_left_out_and_the_crack_beside_it_kept():
    line = wavy_line(192)
    grey = scene(3) - 25 * line
    grey[:, 170:173] -= 50
    found = labellers.edges(as_image(grey)).mask > 0
    assert near_f1(line, found) > 0.7
    assert found[:, 165:178].mean() < 0.1


def test_stronger_lines_are_surer():
    line = wavy_line(192)
    tones = [6, 9, 13, 20, 30]
    sure = [labellers.edges(as_image(scene(4) - tone * line)).confidence for tone in tones]
    assert spearmanr(tones, sure).statistic > 0.85
    assert all(0 <= each <= 1 for each in sure)


@pytest.mark.parametrize("shape", [(8, 8), (1, 40), (37, 61), (700, 900)])
def test_any_size_and_a_blank_image_give_a_mask_of_that_size(shape):
    guess = labellers.edges(np.full((*shape, 3), 90, np.uint8))
    assert guess.mask.shape == shape
    assert guess.mask.dtype == np.uint8
    assert not guess.mask.any()
    assert guess.boxes == ()
    assert guess.confidence == 0


def test_large_images_are_labelled_at_their_own_size():
    line = ndimage.zoom(wavy_line(256), 4, order=0)
    guess = labellers.edges(as_image(scene(5, 1024) - 40 * line))
    assert guess.mask.shape == (1024, 1024)
    assert near_f1(line, guess.mask > 0) > 0.7


def test_rendered_cracks_are_mostly_found():
    from backend import renderer

    made = [renderer.render(500 + k, 256, lighting="dark field") for k in range(6)]
    near = [near_f1(m.mask > 0, labellers.edges(m.image).mask > 0) for m in made]
    assert np.mean(near) > 0.5


def test_the_edges_beat_the_dummy_on_real_cracks(shared_data):

    folder = shared_data / "cracks"
    names = sorted((folder / "images").glob("*"))[:8]
    scores: dict[str, list[float]] = {"edges": [], "centred": []}
    for path in names:
        pixels = imagefiles.read_rgb(path)
        true = imagefiles.read_rgb(folder / "masks" / f"{path.stem}.png")[..., 0] > 127
        for labeller, near in scores.items():
            near.append(near_f1(true, labellers.guess(labeller, pixels, "x").mask > 0))
    assert np.mean(scores["edges"]) > 3 * np.mean(scores["centred"])


def test_the_dummy_is_in_the_middle_and_says_that_it_knows_nothing():
    guess = labellers.centred(np.zeros((40, 80, 3), np.uint8), "crack")
    assert guess.boxes[0].xyxy == (20, 10, 60, 30)
    assert guess.boxes[0].source == "centred"
    assert guess.confidence < 0.1
    assert guess.mask[10:30, 20:60].all()
    assert guess.mask.sum() == 255 * 20 * 40


def heat_map(edge: int = 16) -> np.ndarray:
    """Attention on the upper left quarter."""
    heat = np.full((edge, edge), 0.05, np.float32)
    heat[: edge // 2, : edge // 2] = 0.95
    return heat


def test_attention_without_lines_gives_its_region():
    guess = labellers.attention_labels(as_image(scene(6)), heat_map(), "crack")
    box = guess.boxes[0]
    assert box.source == "attention"
    assert box.confidence > 0.8
    assert np.allclose(box.xyxy, (0, 0, 96, 96), atol=8)


def test_attention_is_sharpened_by_the_lines_inside_and_ignores_those_outside():
    inside = wavy_line(192)
    inside[:, 90:] = False
    outside = wavy_line(192, slope=0.3, start=120)
    outside[:, :100] = False
    pixels = as_image(scene(7) - 25 * (inside | outside))
    found = labellers.attention_labels(pixels, heat_map()).mask > 0
    assert mask_iou(inside, found) > 0.4
    assert not (found & outside).any()


def test_attention_to_nothing_finds_nothing():
    guess = labellers.attention_labels(as_image(scene(8)), np.zeros((8, 8), np.float32))
    assert guess.boxes == ()
    assert not guess.mask.any()


def test_a_broken_attention_map_is_refused_in_words():
    with pytest.raises(UserError, match="attention map"):
        labellers.attention_labels(as_image(scene()), np.full((4, 4), np.nan))
    with pytest.raises(UserError, match="has none"):
        labellers.guess("attention", as_image(scene()), "crack")


def test_the_response_to_a_line_is_the_same_for_a_turned_image():
    pixels = as_image(scene(10) - 25 * wavy_line(192))
    upright = ridges.find(pixels).mask
    turned = ridges.find(np.ascontiguousarray(np.rot90(pixels))).mask
    assert near_f1(upright, np.rot90(turned, -1)) > 0.95

"""Opaque materials: every pair renders, masks are what differs, one seed is one image."""

import hashlib
import json

import cv2
import numpy as np
import pytest

from backend.images.vocabulary import CLASSES, DEFECTS, GLASS, KINDS, LIT, MATERIALS
from backend.renderer import Rendered, render

OPAQUE = tuple(material for material in MATERIALS if material != GLASS)
PAIRS = [(material, kind) for material in OPAQUE for kind in DEFECTS[material]]
VISIBLE = 0.02 * 255


def shots(material: str, kinds: tuple[str, ...], count: int, size: int = 128) -> list[Rendered]:
    """The first so many images that have a defect."""
    found: list[Rendered] = []
    seed = 0
    while len(found) < count:
        assert seed < 6 * count + 6, f"{kinds} hardly ever shows on {material}"
        shot = render(seed, size, material=material, classes=kinds, defects=(1, 1))
        found += [shot] if shot.boxes else []
        seed += 1
    return found


def difference(shot: Rendered) -> np.ndarray:
    """Largest channel difference to the intact image, int [H, W]."""
    return np.abs(shot.image.astype(int) - shot.background.astype(int)).max(2)


def grown(mask: np.ndarray, radius: int) -> np.ndarray:
    return cv2.dilate(mask, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)) > 0


@pytest.mark.parametrize(("material", "kind"), PAIRS)
def test_every_defect_shows_on_every_material_that_can_have_it(material: str, kind: str) -> None:
    for shot in shots(material, (kind,), 3):
        assert shot.image.shape == shot.background.shape == (128, 128, 3)
        assert set(np.unique(shot.mask)) == {0, 255}
        assert [box.class_name for box in shot.boxes] == [kind]
        assert shot.params["material"] == material
        assert json.loads(json.dumps(shot.params)) == shot.params
        strong = difference(shot)[shot.mask > 0] > VISIBLE
        assert strong.any() and (shot.mask > 0).mean() < 0.6


@pytest.mark.parametrize("material", OPAQUE)
def test_what_changed_lies_in_the_mask(material: str) -> None:
    """Beyond it only what the camera makes of it: JPEG blocks and a blurred rim."""
    inside, strong, outside = [], [], []
    for shot in shots(material, DEFECTS[material], 10, 160):
        change, near = difference(shot), grown(shot.mask, 2)
        inside.append((change[shot.mask > 0] > 1).mean())
        outside.append(change[~near].mean())
        if (change > 30).any():
            strong.append(near[change > 30].mean())
    assert np.mean(inside) > 0.75
    assert np.mean(outside) < 1.0
    assert np.mean(strong) > 0.97


@pytest.mark.parametrize("material", OPAQUE)
def test_a_box_is_the_tight_box_of_its_defects_mask(material: str) -> None:
    for shot in shots(material, DEFECTS[material], 5):
        ys, xs = np.nonzero(shot.mask)
        tight = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
        assert shot.boxes[0].xyxy == tuple(float(v) for v in tight)


@pytest.mark.parametrize("material", OPAQUE)
def test_same_seed_same_bytes_whatever_came_before(material: str) -> None:
    first = render(41, 128, material=material, classes=DEFECTS[material])
    render(7, 160, material="plastic", classes=("dent",))
    again = render(41, 128, material=material, classes=DEFECTS[material])
    assert np.array_equal(first.image, again.image) and np.array_equal(first.mask, again.mask)
    assert first.boxes == again.boxes and first.params == again.params
    other = render(42, 128, material=material, classes=DEFECTS[material])
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("material", OPAQUE)
def test_intact_parts_differ_widely_and_have_no_defect(material: str) -> None:
    made = [
        render(k, 128, material=material, classes=DEFECTS[material], defects=(0, 0))
        for k in range(24)
    ]
    for shot in made:
        assert not shot.mask.any() and shot.boxes == ()
        assert np.array_equal(shot.image, shot.background)
    brightness = np.array([shot.image.mean() for shot in made])
    assert brightness.min() < 80 and brightness.max() > 120
    assert len({shot.params["scene"] for shot in made}) > 1
    assert {shot.params["lighting"] for shot in made} == set(LIT[material][1:])


def test_a_defect_is_the_same_part_beneath() -> None:
    """The intact image of a seed is that part whatever defects it gets."""
    for material in OPAQUE:
        bare = render(3, 128, material=material, classes=DEFECTS[material], defects=(0, 0))
        hurt = render(3, 128, material=material, classes=DEFECTS[material], defects=(2, 2))
        apart = bare.background.astype(np.float32) - hurt.background
        assert np.abs(cv2.GaussianBlur(apart, (0, 0), 4)).max() < 12  # their noise is another


def test_no_pattern_repeats_within_an_image() -> None:
    """A texture must not be tiled: it is unlike itself shifted by any fraction of the picture."""
    for material in ("concrete", "stone", "cast metal", "rolled steel"):
        shot = render(5, 256, material=material, classes=DEFECTS[material], defects=(0, 0))
        grey = shot.image.mean(2)
        fine = grey - cv2.GaussianBlur(grey, (0, 0), 6)
        power = np.abs(np.fft.fft2(fine)) ** 2
        alike = np.fft.ifft2(power).real
        alike /= alike[0, 0]
        alike[:12], alike[-12:] = 0, 0
        assert alike[:, 12:-12].max() < 0.5, material


def test_defects_on_a_photograph_leave_the_rest_untouched() -> None:
    ramp = np.linspace(90, 200, 240)[None, :, None].repeat(180, 0).repeat(3, 2).astype(np.uint8)
    ramp[60:90] = 30
    region = np.zeros((180, 240), bool)
    region[40:160, 60:220] = True
    fitted = cv2.resize(region.astype(np.uint8), (160, 160), interpolation=cv2.INTER_NEAREST) > 0
    for material in OPAQUE:
        found = 0
        for seed in range(4):
            shot = render(
                seed,
                160,
                material=material,
                classes=DEFECTS[material],
                defects=(2, 2),
                background=ramp,
                region=region,
            )
            found += len(shot.boxes)
            assert not difference(shot)[~fitted].any() and not shot.mask[~fitted].any()
            assert grown(shot.mask, 1)[difference(shot) > 2 * VISIBLE].all()
        assert found >= 4, material


def test_glass_is_drawn_as_it_always_was() -> None:
    """Bytes of the glass images, as they were before there were other materials and scuffs."""
    digest = hashlib.sha256()
    for seed in range(40):
        shot = render(seed, 128 + seed, classes=[name for name in CLASSES if name != "scratch"])
        digest.update(shot.image.tobytes() + shot.mask.tobytes() + repr(shot.boxes).encode())
    drawn = digest.hexdigest()
    assert drawn == GLASS_BYTES


GLASS_BYTES = "8b7e98f846a152e2f1a8766a44fd3a61586b3582791d7110e08eb3e32d21f429"


def test_the_table_of_defects_is_whole() -> None:
    assert DEFECTS[GLASS] == CLASSES == KINDS[:5]
    assert {kind for kinds in DEFECTS.values() for kind in kinds} == set(KINDS)
    assert all(len(set(kinds)) == len(kinds) >= 4 for kinds in DEFECTS.values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"material": "cheese"}, "material must be one of glass, brushed metal"),
        ({"material": "textile", "classes": ("dent",)}, "classes of textile must be some of tear"),
        ({"classes": ("stain",)}, "classes of glass"),
        ({"material": "wood", "lighting": "back light"}, "lighting of wood must be one of mixed"),
    ],
)
def test_what_a_material_cannot_have_is_named(arguments: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        render(0, 128, **arguments)


@pytest.mark.parametrize("size", [129, 512])
def test_sizes(size: int) -> None:
    for material in OPAQUE:
        shot = render(5, size, material=material, classes=DEFECTS[material])
        assert shot.image.shape == (size, size, 3) and shot.mask.shape == (size, size)

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.images import duplicates, imagefiles, pictures
from backend.images.vocabulary import CLASSES
from backend.records import UserError
from backend.renderer import render


@pytest.fixture(scope="module")
def rendered() -> list[np.ndarray]:
    return [render(seed, 128, classes=CLASSES).image for seed in range(40)]


def written(folder: Path, images: list[np.ndarray]) -> list[Path]:
    paths = [folder / f"{k}.png" for k in range(len(images))]
    for path, pixels in zip(paths, images, strict=True):
        imagefiles.write(path, pixels)
    return paths


def as_jpeg(pixels: np.ndarray) -> np.ndarray:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "jpeg", quality=70)
    return np.asarray(Image.open(buffer))


def test_rendered_images_are_no_duplicates_of_each_other(rendered, tmp_path):
    assert duplicates.near_duplicates(written(tmp_path, rendered)) == [0] * len(rendered)


def test_a_copy_is_found_whatever_its_size_compression_or_brightness(rendered, tmp_path):
    one = rendered[3]
    smaller = pictures.resized(one, 100)
    brighter = np.clip(one.astype(int) + 15, 0, 255).astype(np.uint8)
    images = [rendered[0], one, rendered[1], smaller, as_jpeg(one), brighter, rendered[2]]
    assert duplicates.near_duplicates(written(tmp_path, images)) == [0, 1, 0, 1, 1, 1, 0]


def test_groups_are_numbered_by_their_first_image(rendered, tmp_path):
    images = [rendered[k] for k in (5, 6, 7, 6, 5)]
    assert duplicates.near_duplicates(written(tmp_path, images)) == [1, 2, 0, 2, 1]


def test_plain_backgrounds_with_their_own_noise_are_not_all_one_group(tmp_path):
    random = np.random.default_rng(0)
    plain = [random.normal(120, 4, (64, 64, 3)).clip(0, 255).astype(np.uint8) for _ in range(12)]
    assert duplicates.near_duplicates(written(tmp_path, plain)) == [0] * 12


def test_copies_in_different_blocks_of_the_comparison_find_each_other():
    random = np.random.default_rng(0)
    greys = random.normal(128, 40, (2 * duplicates.BLOCK + 3, 32, 32)).astype(np.float32)
    greys[-1] = greys[0] + 5
    greys[duplicates.BLOCK] = greys[0] * 0.9
    found = duplicates.groups(greys)
    assert [k for k, group in enumerate(found) if group] == [
        0,
        duplicates.BLOCK,
        2 * duplicates.BLOCK + 2,
    ]


def test_no_image_and_one_image_have_no_duplicates(rendered, tmp_path):
    assert duplicates.near_duplicates([]) == []
    assert duplicates.near_duplicates(written(tmp_path, rendered[:1])) == [0]


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"x\.png"):
        duplicates.near_duplicates([tmp_path / "x.png"])

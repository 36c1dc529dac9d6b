"""Wavelet scattering: shapes, what its channels tell apart, and the same in ONNX."""

import numpy as np
import pytest
import torch

from backend.inspection.model import features
from backend.numeric.scattering import Scattering

WHOLE = {"scales": 5, "pairs": 4, "detail": 3}  # what inspection uses


def crops(n=4, size=64, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (n, size, size, 3), dtype=np.uint8)


def maps(images, **settings):
    return features.extract(Scattering(**settings).eval(), images)


def test_orders_0_to_2_are_61_channels_whatever_the_order_of_the_colours():
    found = maps(crops())
    assert found.shape == (4, 61, 4, 4)
    np.testing.assert_allclose(found, maps(crops()[..., ::-1]), atol=1e-4)


@pytest.mark.parametrize("size", [64, 96, 128, 160, 192, 224, 256])
def test_with_details_145_channels_at_every_size_a_crop_may_have(size):
    assert maps(crops(2, size), **WHOLE).shape == (2, 145, size // 16, size // 16)


def test_what_orders_0_to_2_tell_is_unchanged_by_details():
    kept = maps(crops(), scales=3, pairs=3, detail=3)
    plain = maps(crops())
    same = [np.abs(kept - plain[:, [c]]).max((0, 2, 3)).min() for c in range(61)]
    assert max(same) < 1e-5


def test_directions_are_told_apart():
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 200
    both = np.repeat(np.stack([stripes, stripes.T])[..., None], 3, -1)
    found = maps(both)
    assert abs(found[0] - found[1].transpose(0, 2, 1)).max() > 0.5


def test_a_speck_shows_more_in_the_details():
    clean = np.full((1, 64, 64, 3), 128, np.uint8)
    speck = clean.copy()
    speck[:, 33:35, 33:35] = 160
    away = np.abs(maps(speck, **WHOLE) - maps(clean, **WHOLE))[0, :, 2, 2]
    means, details = away[1:5], away[5:13]  # of the finest scale
    assert details[:4].max() > means.max() + 1  # the maximum
    assert details[4:].max() > means.max()  # the standard deviation


def test_brightness_that_moves_inside_a_cell_shows_in_its_quarters():
    left, right = np.zeros((2, 1, 64, 64, 3), np.uint8)
    left[:, 32:48, 32:40] = right[:, 32:48, 40:48] = 200
    one, two = (maps(image, **WHOLE)[0, -4:, 2, 2] for image in (left, right))
    assert one[0] > 0.2 and one[0] == pytest.approx(one[2])
    np.testing.assert_allclose(one, two[[1, 0, 3, 2]], atol=1e-5)


def test_the_onnx_file_gives_the_same(tmp_path):
    import onnxruntime

    network, images = Scattering(**WHOLE).eval(), features.to_images(torch.from_numpy(crops()))
    file = tmp_path / "scattering.onnx"
    torch.onnx.export(network, (images,), file, dynamo=True)
    (found,) = onnxruntime.InferenceSession(file).run(None, {"images": images.numpy()})
    np.testing.assert_allclose(found, network(images).numpy(), atol=1e-4)


def test_a_model_is_described_and_rebuilt_also_one_of_an_earlier_version():
    rebuilt = features.rebuild(features.describe(Scattering(**WHOLE)))
    assert features.extract(rebuilt, crops()).shape[1] == 145
    assert features.extract(features.rebuild({"kind": "scattering"}), crops()).shape[1] == 61

"""Figures as they stand in sentences."""

import math

import numpy as np
import pytest

from backend import wording


@pytest.mark.parametrize(
    ("value", "told"),
    [
        *((5.6e-05, "0.000056"), (0.0, "0"), (0.012, "0.012"), (3.4, "3.4"), (1e-4, "0.0001")),
        *((1.001e-4, "0.00011"), (9.91, "10"), (12.4, "13"), (120.0, "120")),
        (1e30, "1" + "0" * 30),
        *((1e-300, "0.000000001"), (math.nan, "an unknown amount"), (np.float32(1), "1")),
    ],
)
def test_a_difference_is_written_out_and_never_rounded_down(value, told):
    assert wording.tiny(value) == told

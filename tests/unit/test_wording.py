"""Figures as they stand in sentences."""

import pytest

from backend import wording


@pytest.mark.parametrize(
    ("value", "told"), [(5.6e-05, "0.00006"), (0.0, "0"), (0.012, "0.01"), (3.4, "3")]
)
def test_a_tiny_difference_is_written_out(value, told):
    assert wording.tiny(value) == told

"""Figures as they stand in sentences."""

import pytest

from backend import wording


@pytest.mark.parametrize(
    ("value", "told"),
    [
        *[(5.6e-05, "0.000056"), (0.0, "0"), (0.0121, "0.013"), (12.4, "13"), (1234.0, "1300")],
        *[(1e-4, "0.0001"), (1.4e-4, "0.00014"), (1.0001e-4, "0.00011"), (9.99e-5, "0.0001")],
        *[(1.0, "1"), (20.0, "20"), (float("nan"), "no number"), (float("inf"), "any number")],
    ],
)
def test_a_tiny_difference_is_written_out_and_never_rounded_down(value, told):
    assert wording.tiny(value) == told

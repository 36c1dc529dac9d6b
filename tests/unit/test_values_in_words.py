"""Values of settings and results as a person reads them."""

import math

import pytest

from backend import glossary


@pytest.mark.parametrize(
    ("value", "told"),
    [
        *((2109.6, "2,110"), (0.0365, "0.0365"), (5.6e-05, "0.000056"), (0.0, "0"), (3.0, "3")),
        *((math.nan, "–"), (True, "yes"), ([0.5, 1e-06], "0.5, 0.000001")),
    ],
)
def test_a_number_is_never_written_as_a_power_of_ten(value, told):
    assert glossary.value(value) == told

"""Values of settings and results as a person reads them."""

import math

import pytest

from backend import glossary


@pytest.mark.parametrize(
    ("value", "told"),
    [
        *((2109.6, "2,110"), (0.0365, "0.0365"), (5.6e-05, "0.000056"), (0.0, "0"), (3.0, "3")),
        *((999.6, "1,000"), (1000.0, "1,000"), (999.4, "999"), (-999.6, "-1,000")),
        *((1e-300, "nearly 0"), (-1e-12, "nearly 0"), (math.inf, "inf")),
        *((math.nan, "–"), (True, "yes"), ([0.5, 1e-06], "0.5, 0.000001")),
    ],
)
def test_a_number_is_never_written_as_a_power_of_ten(value, told):
    assert glossary.value(value) == told

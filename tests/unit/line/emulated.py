"""The emulated cameras of GenICam's own package: three of them, with a bouncing ball."""

from pathlib import Path

import pytest

pytest.importorskip("harvesters", reason="the extra harvesters is not installed")
genicam = pytest.importorskip("genicam", reason="the extra genicam is not installed")

PRODUCER = str(Path(genicam.__file__).parent / "viky.cti")
SERIALS = ("0", "1", "2")
SMALL = ("Width=120", "Height=100", "AcquisitionFrameRate=50")

"""Ultralytics that asks nobody: no font from the internet, no hub, no tuning by Ray. Heavy."""

import os
import shutil
from pathlib import Path

import matplotlib
from ultralytics.utils import SETTINGS, USER_CONFIG_DIR

FONTS = ("Arial.ttf", "Arial.Unicode.ttf")  # it fetches these where it finds none of the name


def alone() -> None:
    """To be called before it trains, validates or predicts."""
    SETTINGS.update(sync=False, raytune=False)
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    for name in FONTS:
        place = Path(USER_CONFIG_DIR) / name
        if not place.exists():
            own = place.with_name(f"{name}.{os.getpid()}")  # several jobs may begin at once
            shutil.copyfile(font, own)
            own.replace(place)

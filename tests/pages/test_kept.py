"""What pages keep of ended runs: made once, and anew where what it rests on is another."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from plotly.graph_objects import Figure

from backend.core import facts
from backend.images import imagefiles
from pages.ui import charts, gallery, resources
from tests.sharing_runs import FIGURES, made


@pytest.fixture
def run(empty_dashboard, storage):
    return made(storage.storage, "latency", {}, {"figures": FIGURES}, "kept")


def test_a_chart_is_drawn_once(run):
    drawn = []

    def draw():
        drawn.append("drawn")
        return Figure()

    resources.take_in(run)
    for name, limit, ink in (
        ("one", 1.0, "black"),
        ("one", 1.0, "black"),
        ("other", 1.0, "black"),
        ("one", 2.0, "black"),
        ("one", 1.0, "white"),
    ):
        charts._drawn(resources.state(run), name, (limit,), ink, draw)
    assert len(drawn) == 4


def test_what_was_kept_of_a_damaged_run_is_not_shown_once_it_is_mended(run):
    path = facts.path(run.folder, "figures")
    whole = path.read_bytes()
    path.write_bytes(b"no table")
    resources.take_in(run)
    damaged = resources.state(run)
    assert damaged == resources.state(run)
    path.write_bytes(whole)
    resources.take_in(run)
    assert resources.state(run) != damaged


def test_a_picture_is_drawn_anew_where_its_file_is_another(tmp_path):
    path = tmp_path / "one.png"
    imagefiles.write(path, np.zeros((20, 40, 3), np.uint8))
    dark = gallery.overlaid(path, None, None, 80)
    assert gallery.overlaid(path, None, None, 80) is dark
    assert pixels(dark).shape == (40, 80, 3) and pixels(dark).max() < 10
    imagefiles.write(path, np.full((20, 41, 3), 255, np.uint8))
    assert pixels(gallery.overlaid(path, None, None, 80)).min() > 245


def test_a_box_lies_where_it_lay_in_the_picture_before_it_was_scaled(tmp_path):
    path = tmp_path / "one.png"
    imagefiles.write(path, np.zeros((50, 100, 3), np.uint8))
    box = {"class_name": "crack", "x1": 20, "y1": 10, "x2": 60, "y2": 40, "confidence": 1.0}
    shown = pixels(gallery.overlaid(path, None, pd.DataFrame([box]), 300))
    bright = np.argwhere(shown.max(axis=2) > 120)
    assert np.abs(bright.min(axis=0) - (30, 60)).max() <= 3
    assert np.abs(bright.max(axis=0) - (120, 180)).max() <= 3


def test_a_picture_that_cannot_be_read_is_grey_beside_the_others(tmp_path):
    path = tmp_path / "one.png"
    imagefiles.write(path, np.zeros((30, 60, 3), np.uint8))
    row = pixels(gallery.beside([(path, None), (tmp_path / "gone.png", None)], 60))
    assert row.shape == (30, 122, 3)
    assert row[15, 30].max() < 10 and np.abs(row[15, 90].astype(int) - 128).max() < 10


def pixels(shown):
    return np.asarray(Image.open(io.BytesIO(shown)))

"""What pages keep of ended runs: made once, and anew where what it rests on is another."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from plotly.graph_objects import Figure

from backend.core import facts, runs
from backend.images import imagefiles
from pages.ui import charts, gallery, resources
from tests.sharing_runs import FIGURES, made


@pytest.fixture
def run(empty_dashboard, storage):
    return made(storage.storage, "latency", {}, {"figures": FIGURES}, "kept")


def test_a_chart_is_drawn_once_for_each_state_of_its_run_and_what_is_shown(run, monkeypatch):
    drawn = []

    def draw():
        drawn.append("drawn")
        return Figure()

    def shown(name="one", limit=1.0, theme="light"):
        monkeypatch.setattr(charts, "_ink", lambda: charts.INK[theme])
        charts.of_run(run, name, draw, pd.DataFrame({"x": [1]}), "A chart", (limit,))
        return len(drawn)

    resources.take_in(run)
    assert [shown(), shown()] == [1, 1]
    assert [shown("other"), shown(limit=2.0), shown(theme="dark"), shown()] == [2, 3, 4, 4]
    (run.folder / runs.EDITS).write_text("a person decided\n")
    assert [shown(), shown()] == [5, 5]


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


def test_a_mask_that_cannot_be_read_leaves_its_picture_as_it_is(tmp_path):
    path = tmp_path / "one.png"
    imagefiles.write(path, np.zeros((30, 60, 3), np.uint8))
    (tmp_path / "mask.png").write_bytes(b"no picture")
    assert pixels(gallery.overlaid(path, tmp_path / "mask.png", None, 60)).max() < 10


def test_where_pictures_agree_is_worked_out_anew_where_one_is_another(tmp_path):
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    for path in (first, second):
        imagefiles.write(path, noise)
    alike = gallery.agreement(first, second)
    assert gallery.agreement(first, second) is alike and pixels(alike).min() > 250
    imagefiles.write(second, noise[::-1])
    assert pixels(gallery.agreement(first, second)).mean() < 128


def pixels(shown):
    return np.asarray(Image.open(io.BytesIO(shown)))

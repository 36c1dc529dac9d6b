"""What a labelled set of images holds, in figures: sources, classes, sizes and places of boxes."""

from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from backend.core.runs import Run
from backend.images import curation, imagefiles, palette
from backend.plots import detection as detection_plots
from backend.records import UserError
from pages.ui import caveats, charts, gallery, image_export
from pages.ui.layout import tabs

UNSEEN = (0, 0)


def show(run: Run, tiles: list[tuple[str, str, str]], notes: tuple[str, ...]) -> None:
    """Figures, plots, pictures with their boxes, and the zip to take away.

    tiles: name, value and meaning of the run's figures. notes: what was noticed on the way.
    """
    images, boxes = curation.images(run.folder), curation.boxes(run.folder)
    charts.metrics(tiles)
    caveats.noted(notes)
    tabs(
        {
            "Pictures": lambda: gallery.filtered(run, images, boxes, "image"),
            "Sources, classes, boxes": lambda: _plots(run, images, boxes),
        }
    )
    image_export.offer(run)


def _plots(run: Run, images: pd.DataFrame, boxes: pd.DataFrame) -> None:
    left, right = st.columns(2)
    with left:
        counts = images.groupby(["source", "split"]).size().reset_index(name="images")
        charts.of_run(
            run,
            "sources",
            lambda: detection_plots.per_source(images),
            counts,
            "Number of images of each source in training and validation",
        )
        draw = partial(detection_plots.box_sizes, boxes)
        charts.of_run(run, "sizes", draw, boxes, "How large the boxes are")
    with right:
        charts.of_run(
            run,
            "classes",
            lambda: detection_plots.per_class(boxes, palette.colours(boxes["class_name"])),
            boxes.groupby(["class_name", "source"]).size().reset_index(name="boxes"),
            "Number of boxes of each class and origin",
        )
        places = _places(run, images, boxes)
        charts.of_run(
            run,
            "places",
            lambda: detection_plots.box_positions(places),
            places,
            "Where in the picture the middles of the boxes lie",
        )


def _places(run: Run, images: pd.DataFrame, boxes: pd.DataFrame) -> pd.DataFrame:
    """Middle of each box as shares of its picture: columns x, y."""
    shown = images[images["image"].isin(boxes["image"])]
    sizes = {
        name: _size(str(run.folder / path))
        for name, path in zip(shown["image"], shown["path"], strict=True)
    }
    width = boxes["image"].map(lambda name: sizes.get(name, UNSEEN)[0])
    height = boxes["image"].map(lambda name: sizes.get(name, UNSEEN)[1])
    known = width > 0
    return pd.DataFrame(
        {
            "x": ((boxes["x1"] + boxes["x2"]) / 2 / width)[known],
            "y": ((boxes["y1"] + boxes["y2"]) / 2 / height)[known],
        }
    )


@st.cache_data(ttl=3600, max_entries=50_000, show_spinner=False)
def _size(path: str) -> tuple[int, int]:
    """Width and height of a picture, px; 0 where it cannot be read."""
    try:
        return imagefiles.size(Path(path))
    except UserError:
        return UNSEEN

"""Pictures in pages of a grid, with boxes and masks drawn over them on request."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from backend import glossary
from backend.core import facts, registry, runs
from backend.core.runs import Run
from backend.images import curation, imagefiles, marks, palette, pictures
from backend.images.measures import ssim_map
from backend.records import UserError
from pages.ui import caveats, charts, links, picture_filters

PAGE_SIZE = 24
File = tuple[Path, runs.FileState]


def show_images(run: Run) -> None:
    """The images of a run as people left them, with a page, a source label and overlays."""
    images, boxes = curation.images(run.folder), curation.boxes(run.folder)
    result = vars(runs.result(run, registry.get(run.kind).result_type))
    caveats.noted(result.get("notes", ()))
    charts.metrics([_tile(k, v) for k, v in result.items() if _is_figure(v)])
    told = [f"{_named(k)}: {v}" for k, v in result.items() if isinstance(v, str) and v]
    if told:
        st.caption(charts.plain(". ".join(told) + "."))
    names = " and ".join(sorted(images["source"].dropna().unique()))
    filtered(run, images, boxes, f"{names} image")
    charts.csv(lambda: _with_files(boxes, images), f"boxes-{run.id}")


def _with_files(boxes: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """The box rows with what people call their image."""
    return boxes.assign(file=boxes["image"].map(images.set_index("image")["shown"]))


def filtered(run: Run, images: pd.DataFrame, boxes: pd.DataFrame, words: str) -> None:
    """The images that meet the filters set here, a page at a time."""
    filters = picture_filters.ask(run, images, boxes)
    rows = picture_filters.applied(run, images, boxes, filters)
    if rows.empty:
        st.info(
            "No image meets this filter. Choose less of it above.", icon=":material/filter_alt_off:"
        )
    else:
        grid(run, rows, boxes, words, filters.overlays)


def _is_figure(value: Any) -> bool:
    """A number, and a known one."""
    return isinstance(value, (int, float)) and value == value


def _named(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _tile(key: str, value: float) -> tuple[str, str, str]:
    """A figure of a run of images: its name, its value with its unit, and what it means."""
    known = {
        "mask_share": ("Area in masks", f"{value:.1%}", "Mean share of an image that is defect"),
        "size": ("Size", f"{value:.0f} px", "Edge of each image"),
        "without": ("Without a box", str(value), "Images in which nothing was found"),
        "mean_confidence": ("Confidence", f"{value:.2f}", "Mean of the boxes: how sure, 0 to 1"),
        "intact": ("Intact", str(value), "Images without a defect"),
    }
    return known.get(key, (_named(key), glossary.value(value), ""))


def grid(
    run: Run, images: pd.DataFrame, boxes: pd.DataFrame, words: str, overlays: Collection[str]
) -> None:
    """One page of thumbnails with the colours of their classes, and a way to correct each.

    words: what the pictures are, for their alt text. overlays: of `picture_filters.OVERLAYS`.
    """
    colours = palette.colours(boxes["class_name"])
    rows = page_of(images, f"page-{run.id}-{len(images)}")
    by_image = boxes_by_image(boxes, rows)
    counts = [len(by_image.get(name, ())) for name in rows["image"]]
    if "boxes" in overlays:
        legend(colours)
    most = most_boxes(max(counts, default=0), run.id) if "boxes" in overlays else 0
    with st.container(horizontal=True, key=f"small-pictures-{run.id}"):
        for row, count in zip(facts.records(rows), counts, strict=True):
            image, mask = row["image"], row["mask_path"]
            pixels = overlaid(
                run.folder / row["path"],
                run.folder / mask if "masks" in overlays and isinstance(mask, str) else None,
                by_image.get(image) if "boxes" in overlays else None,
                colours=colours,
                most=most,
            )
            caption = " · ".join(filter(None, (row["shown"], _state(row, count), row["tag"])))
            with st.container(width=160, gap="xxsmall"):
                alt = f"{words} {row['shown']}, {count} boxes"
                st.image(pixels, caption=charts.plain(caption), width="stretch", alt=alt)
                if run.kind in links.CURATED:
                    links.to_label(run.id, image)


def boxes_by_image(boxes: pd.DataFrame, images: pd.DataFrame) -> dict[Any, pd.DataFrame]:
    """Image → its box rows, of these images that have some."""
    return dict(list(boxes[boxes["image"].isin(images["image"])].groupby("image")))


def legend(colours: Mapping[str, str]) -> None:
    """Which colour stands for which class."""
    if not colours:
        return
    chips = "".join(
        f'<span style="white-space:nowrap"><span style="display:inline-block;width:.8rem;'
        f"height:.8rem;background:{colour};border:1px solid {pictures.HALO};"
        f'border-radius:.15rem;vertical-align:-.05rem"></span> {escape(name)}</span>'
        for name, colour in colours.items()
    )
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:.2rem 1rem">{chips}</div>')


def most_boxes(count: int, key: str) -> int | None:
    """How many boxes are drawn on a picture; None for all, where a person asks for them.

    count: of the picture with most.
    """
    if count <= marks.MOST:
        return None
    words = f"Show all boxes, up to {count} on a picture"
    chosen = st.toggle(words, key=f"all-boxes-{key}", help=f"Else the {marks.MOST} surest.")
    return None if chosen else marks.MOST


def strip(run: Run, images: pd.DataFrame, boxes: pd.DataFrame) -> None:
    """A few images in a row, with their boxes and what is known about each."""
    by_image = boxes_by_image(boxes, images)
    colours = palette.colours(boxes["class_name"])
    legend(colours)
    with st.container(horizontal=True):
        for row in facts.records(images):
            mine = by_image.get(row["image"])
            picture = overlaid(run.folder / row["path"], None, mine, 192, colours=colours)
            words = _state(row, 0 if mine is None else len(mine))
            st.image(picture, width=120, caption=words, alt=f"Image {row['shown']}, {words}")


def _state(row: Mapping[str, Any], boxes: int) -> str:
    """What is known about an image, in a few words."""
    if row["verdict"] == "rejected":
        return "rejected"
    if not row["labelled"]:
        return "not labelled"
    return f"{boxes} box{'' if boxes == 1 else 'es'}" if boxes else "intact"


def page_of(frame: pd.DataFrame, key: str, size: int = PAGE_SIZE) -> pd.DataFrame:
    """The rows of the page chosen with a pager; no pager where one page is enough."""
    pages = max(1, -(-len(frame) // size))
    page = 1
    if pages > 1:
        page = st.pagination(pages, key=key)
    return frame.iloc[(page - 1) * size : page * size]


def overlaid(
    path: Path,
    mask_path: Path | None,
    boxes: pd.DataFrame | None,
    edge: int = 256,
    *,
    colours: Mapping[str, str] | None = None,
    most: int | None = marks.MOST,
    predictions: pd.DataFrame | None = None,
) -> bytes:
    """A thumbnail with the mask tinted in, and its boxes over it; true and predicted ones where
    there are `predictions`. colours: class → colour. most: boxes drawn, None for all."""
    drawn: list[pictures.Mark] = []
    if boxes is not None and predictions is not None:
        drawn = marks.of_judged(boxes, predictions, colours or {}, (1.0, 1.0), most)
    elif boxes is not None:
        drawn = marks.of_boxes(boxes, colours or {}, (1.0, 1.0), most)
    return _overlaid(_file(path), mask_path and _file(mask_path), edge, tuple(drawn))


def beside(shown: Sequence[tuple[Path, Path | None]], edge: int = 256) -> bytes:
    """Pictures in a row, each with its mask tinted in, as large as the first, whose longer edge has
    that many px."""
    return _beside(tuple((_file(path), mask and _file(mask)) for path, mask in shown), edge)


def agreement(first: Path, second: Path) -> bytes:
    """Where two pictures agree (SSIM), white. Raises UserError where one cannot be read."""
    return _agreement(_file(first), _file(second))


def _file(path: Path) -> File:
    return path, runs.state_of(path)


@lru_cache(maxsize=2000)
def _overlaid(
    picture: File, mask: File | None, edge: int, drawn: tuple[pictures.Mark, ...]
) -> bytes:
    """Drawn once for each state of its files. drawn: in px of the picture as it is."""
    pixels, (across, down) = _tinted(picture, mask, edge)
    marks = [mark.scaled(across, down) for mark in drawn]
    return pictures.encoded(pictures.annotated(pixels, marks))


@lru_cache(maxsize=500)
def _beside(shown: tuple[tuple[File, File | None], ...], edge: int) -> bytes:
    tinted = [_tinted(picture, mask, edge)[0] for picture, mask in shown]
    alike = [pictures.like(pixels, tinted[0]) for pixels in tinted]
    return pictures.encoded(pictures.sheet(alike, len(alike)))


@lru_cache(maxsize=200)
def _agreement(first: File, second: File) -> bytes:
    alike = ssim_map(imagefiles.read_rgb(first[0]), imagefiles.read_rgb(second[0]))
    return pictures.encoded((alike.clip(0, 1) * 255).astype(np.uint8))


def _tinted(picture: File, mask: File | None, edge: int) -> tuple[np.ndarray, tuple[float, float]]:
    """The picture with a longer edge of that many px and its mask tinted in; px of that a px of its
    own, across and down. Grey where it cannot be read, untinted where its mask cannot."""
    own, drawn = _read(picture), _read(mask) if mask else None
    if own is None:
        return np.full((edge, edge, 3), 128, np.uint8), (1.0, 1.0)
    pixels = pictures.scaled(own, edge)
    tint = None if drawn is None else pictures.like(drawn, pixels)[..., 0] > 64
    scale = pixels.shape[1] / own.shape[1], pixels.shape[0] / own.shape[0]
    return pictures.annotated(pixels, (), tint), scale


def _read(file: File) -> NDArray[np.uint8] | None:
    try:
        return imagefiles.read_rgb(file[0])
    except UserError:
        return None

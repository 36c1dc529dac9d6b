"""Label agreement: how far automatic labels agree with exact masks."""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from backend.core import facts
from backend.core.facts import Figure
from backend.core.runs import Run
from backend.labels.agreement.job import CEILING, CONTROL, MASK_IOU, NEAR_F1, PRECISION, SHARE
from backend.plots import labels as labels_plots
from backend.wording import counted
from pages.ui import charts, gallery, resources
from pages.ui.run_view import kind_page

GOOD_SHARE = 0.8
EDGE = 320
HEADLINE = (
    (SHARE, "Boxes that fit", "True boxes that some guessed box covers, IoU over 0.5"),
    (PRECISION, "Guesses right", "Guessed boxes that fit a true one of their own"),
    (MASK_IOU, "Mask IoU", "Overlap of the masks, pixel by pixel"),
    (NEAR_F1, "Line F1", "The same, right within 0.6 % of the edge length"),
)


def show(run: Run) -> None:
    rows, figures = resources.facts("agreements", run), resources.facts("figures", run)
    by_name = facts.by_name(figures)
    for labeller in sorted(rows["labeller"].unique(), key=CONTROL.__eq__):
        _verdict(labeller, by_name, rows["image"].nunique())
        if labeller != CONTROL:
            _tiles(labeller, by_name)
    charts.of_run(
        run,
        "agreement",
        lambda: labels_plots.agreement_histogram(rows),
        rows.drop(columns="run_id"),
        "How many true boxes are covered how well, for each labeller",
    )
    _tables(run, rows, figures)
    _examples(run, rows)


def _tiles(labeller: str, by_name: dict[tuple[str, str], Figure]) -> None:
    entries = [(name, by_name.get((labeller, metric)), words) for metric, name, words in HEADLINE]
    charts.metrics([(n, charts.interval(r.value, r.low, r.high), w) for n, r, w in entries if r])


def _verdict(labeller: str, by_name: dict[tuple[str, str], Figure], images: int) -> None:
    share = by_name.get((labeller, SHARE))
    if share is None:
        st.info(
            f"Labeller {labeller}: no image has a true box. Choose images whose boxes or masks are "
            "exact.",
            icon=":material/info:",
        )
        return
    name = labeller.capitalize() + " (control)" * (labeller == CONTROL)
    words = (
        f"{name} labels: {share.value:.0%} [{100 * share.low:.0f}, "
        f"{100 * share.high:.0f}] of boxes fit (overlap IoU over 0.5), n = "
        f"{counted(share.n, 'box', 'boxes')} in {counted(images, 'image')}."
    )
    precision = by_name.get((labeller, PRECISION))
    if precision is not None:
        drawn = counted(precision.n, "box", "boxes")
        words += f" Of {drawn} that it drew, {precision.value:.0%} are right."
    ceiling = by_name.get((CEILING, SHARE))
    if ceiling is not None:
        words += f" Boxes around the exact masks would reach {ceiling.value:.0%}."
    if min(share.low, 0 if precision is None else precision.low) >= GOOD_SHARE:
        st.success(words, icon=":material/check_circle:")
    else:
        cure = " Correct the rest by hand on the page Labels and curation."
        st.warning(words + cure, icon=":material/warning:")


def _tables(run: Run, rows: pd.DataFrame, figures: pd.DataFrame) -> None:
    st.subheader("By kind of image", anchor=False)
    st.dataframe(_by_source(rows), hide_index=True)
    st.subheader("All figures", anchor=False)
    shown = figures.assign(value=charts.intervals(figures, "value"))
    st.dataframe(shown[["subject", "metric", "value", "n"]], hide_index=True)
    charts.csv(figures.drop(columns="run_id"), f"agreement-figures-{run.id}")


def _by_source(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of boxes that fit and mean mask IoU per labeller and source of the images."""
    entries = []
    for (labeller, source), mine in rows.groupby(["labeller", "source"], sort=True):
        boxes, images = mine["box_iou"].dropna(), mine.drop_duplicates("image")
        entries.append(
            {
                "labeller": labeller,
                "kind": source,
                "boxes that fit": f"{(boxes > 0.5).mean():.0%}" if len(boxes) else "–",
                "mask IoU": round(float(images["mask_iou"].mean()), 2),
                "n boxes": len(boxes),
                "n images": len(images),
            }
        )
    return pd.DataFrame(entries)


def _examples(run: Run, rows: pd.DataFrame) -> None:
    st.subheader("Examples", anchor=False)
    left, right = st.columns(2)
    labeller = left.selectbox("Labeller", list(rows["labeller"].unique()), key=f"who-{run.id}")
    order = right.selectbox("Order", ["worst first", "best first"], key=f"order-{run.id}")
    images = rows[rows["labeller"] == labeller].drop_duplicates("image")
    ranked = images.sort_values("mask_iou", ascending=order == "worst first", kind="stable")
    st.caption("Left: the image. Middle: the exact mask. Right: the guess.")
    shown = gallery.page_of(ranked, f"examples-{run.id}", 6)
    with st.container(horizontal=True, key=f"wide-pictures-{run.id}"):
        for row in shown.itertuples():
            st.image(
                gallery.beside(_triple(run, row), EDGE),
                width="stretch",
                caption=f"mask IoU {row.mask_iou:.2f} · {row.boxes_found} drawn, "
                f"{row.boxes_right} of {row.boxes_true} right",
                alt=f"Image {row.image}, its exact mask and the guess of {labeller}",
            )


def _triple(run: Run, row: Any) -> list[tuple[Path, Path | None]]:
    """The image alone, with the exact mask, and with the guess."""
    path = run.folder / row.path
    return [
        (path, mask) for mask in (None, run.folder / row.mask_path, run.folder / row.guess_path)
    ]


kind_page(
    "agreement",
    "Compare automatic labels with exact masks, on rendered cracks or on your own images "
    "with masks. Do so before you train on them.",
    show,
)

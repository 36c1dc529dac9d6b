"""Similarity: SSIM per pair, with the controls that tell a copy from a blur."""

import streamlit as st

from backend import plots
from backend.runs import Run
from backend.synthesis import pictures, similarity
from pages.ui import charts, owner
from pages.ui.run_view import kind_page

PAPER = (similarity.PAPER_RANGE[0], similarity.PAPER_MEAN, similarity.PAPER_RANGE[1])


def show(run: Run) -> None:
    figures = owner.facts("figures", run)
    by_name = {(row.subject, row.metric): row for row in figures.itertuples()}
    gap = by_name["matched minus random", "SSIM"]
    _verdict(gap)
    _headline(by_name, (run.result or {})["pairing"])
    pairs = owner.facts("ssim_pairs", run)
    matched = pairs[pairs["pairing"] == "matched"].reset_index(drop=True)
    with_paper = st.toggle(
        "Show source A's nine pairs", help="0.036 to 0.188, mean 0.108, on unmatched pairs."
    )
    figure = plots.ssim_bars(matched, figures, PAPER if with_paper else None)
    event = charts.figure(
        figure,
        pairs.drop(columns="run_id"),
        f"ssim-{run.id}",
        "SSIM of each teacher and student pair, sorted, with the means of the controls",
        on_select="rerun",
        selection_mode="points",
    )
    points = event["selection"]["points"] if event else []
    pair = int(points[0]["customdata"]) if points else int(matched.iloc[0]["pair"])
    st.caption("Click a bar to see its pair.")
    _pair(run, matched, pair)
    st.subheader("Pairs", anchor=False)
    _grid(run, matched)


def _verdict(gap: object) -> None:
    if gap.low > 0:
        st.success(
            f"The student knows its images: a matched pair is {gap.value:.2f} "
            f"[{gap.low:.2f}, {gap.high:.2f}] more alike than a random one (n = {gap.n}).",
            icon=":material/check_circle:",
        )
    else:
        st.warning(
            f"No sign that the student tells its images apart: matched minus random is "
            f"{gap.value:.2f} [{gap.low:.2f}, {gap.high:.2f}] (n = {gap.n}).",
            icon=":material/warning:",
        )


def _headline(by_name: dict, pairing: str) -> None:
    entries = [
        ("SSIM, matched pairs", by_name["matched", "SSIM"], f"Matched by: {pairing}"),
        ("SSIM, random pairs", by_name["random", "SSIM"], "Control: against any other copy"),
        (
            "SSIM, mean image",
            by_name["mean image", "SSIM"],
            "Control: a grey average. A high SSIM is no merit if this is higher.",
        ),
        ("Mask overlap", by_name.get(("reconstructions", "mask IoU")), "IoU of painted masks"),
        ("Sharpness", by_name["samples", "sharpness"], "Of samples; the teacher's is 1"),
        ("Diversity", by_name["samples", "diversity"], "Of samples; the teacher's is 1"),
    ]
    shown = [(n, charts.interval(r.value, r.low, r.high), h) for n, r, h in entries if r]
    charts.metrics(shown)


def _pair(run: Run, matched: object, pair: int) -> None:
    row = matched[matched["pair"] == pair].iloc[0]
    first = pictures.read_rgb(run.folder / row["teacher_path"])
    second = pictures.read_rgb(run.folder / row["student_path"])
    agreement = (similarity.ssim_map(first, second).clip(0, 1) * 255).astype("uint8")
    with st.container(horizontal=True):
        st.image(first, width=220, caption=f"teacher, pair {pair}", alt="Teacher image")
        st.image(second, width=220, caption=f"student, SSIM {row['ssim']:.3f}", alt="Student image")
        st.image(agreement, width=220, caption="where they agree (white)", alt="SSIM map")


def _grid(run: Run, matched: object, most: int = 12) -> None:
    with st.container(horizontal=True):
        for row in matched.head(most).itertuples():
            both = [pictures.read_rgb(run.folder / p) for p in (row.teacher_path, row.student_path)]
            st.image(
                pictures.sheet(both, 2),
                width=230,
                caption=f"pair {row.pair}: SSIM {row.ssim:.3f}",
                alt=f"Teacher beside student, pair {row.pair}",
            )


kind_page(
    "similarity",
    "Compare a student's copies with the teacher images they belong to. SSIM alone prefers a grey "
    "field, so it is never shown without its controls.",
    show,
)

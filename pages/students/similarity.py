"""Similarity: a student's copies in pairs, its samples as a set, and whether they are copies."""

import pandas as pd
import streamlit as st

from backend import glossary, published
from backend.core import facts, runs
from backend.core.facts import Figure
from backend.core.runs import Run
from backend.plots import student as student_plots
from backend.students.similarity import standing
from backend.students.similarity.figures import published_protocol
from backend.students.similarity.spec import OWN_LATENT, Result
from pages.ui import charts, gallery, links, resources, student_metrics
from pages.ui.layout import tabs
from pages.ui.run_view import kind_page

LEARNED, UNSEEN = "Images it learned from", "Images it never saw"
PAPERS = "As the glass paper paired them"
PAIR_METRICS = ["SSIM", "MS-SSIM", "wavelet distance"]
SET_METRICS = [
    *("KID", "precision", "recall", "density", "coverage", "sharpness", "high frequencies"),
    *("diversity", "not copies", "not copies, all pairs"),
]
SHOWN = 12
Figures = dict[tuple[str, str], Figure]


def show(run: Run) -> None:
    result, figures = runs.result(run, Result), resources.facts("figures", run)
    by_name = facts.by_name(figures)
    for note in result.notes:
        st.warning(charts.plain(note), icon=":material/link_off:")
    _verdicts(by_name, result)
    tabs(
        {
            "In pairs": lambda: _in_pairs(run, result, figures),
            "Samples as a set": lambda: _as_sets(run, result, figures),
            "Nearest training images": lambda: _nearest(run, by_name),
        }
    )
    st.page_link(links.STUDENTS, label="Compare students", icon=":material/leaderboard:")


def _verdicts(by_name: Figures, result: Result) -> None:
    """In words: does it know its images, are its samples like the teacher's, are they copies?"""
    _verdict_on_pairs(by_name["matched minus random", "SSIM"])
    kid, copies = by_name.get(("samples", "KID")), by_name.get(("samples", "not copies"))
    if kid is None or copies is None or not result.control:
        st.info("Measured by an earlier version, in pairs alone. Start it again for the rest.")
        return
    grey = by_name["mean image", "KID"].value
    control = by_name.get((result.control, "not copies"))
    aim = min(0.95, control.value) if control is not None else 0.95
    words = (
        f"Its samples lie {student_metrics.words(kid)} from images it never saw (KID, 0 is alike); "
        f"{result.control} "
        f"{student_metrics.words(by_name[result.control, 'KID'])}, a grey field {grey:.0f} "
        f"(n = {kid.n}). Not copies: {student_metrics.words(copies)} of them; 0.95 is the aim"
        + (f", {result.control} reach {control.value:.2f}." if control is not None else ".")
    )
    if standing.is_near(kid, grey) and copies.low >= aim:
        st.success(words, icon=":material/check_circle:")
    elif standing.is_far(kid, grey) or copies.high < aim:
        st.warning(words, icon=":material/warning:")
    else:
        st.info(words + " One of the two cannot be told yet.", icon=":material/question_mark:")


def _verdict_on_pairs(gap: Figure) -> None:
    if gap.low > 0:
        st.success(
            f"The student knows its images: a matched pair is {gap.value:.2f} "
            f"[{gap.low:.2f}, {gap.high:.2f}] more alike (SSIM, 0 to 1) than a random one "
            f"(n = {gap.n}; in brackets the 95 % interval).",
            icon=":material/check_circle:",
        )
    else:
        st.warning(
            f"No sign that the student tells its images apart: matched minus random is "
            f"{gap.value:.2f} [{gap.low:.2f}, {gap.high:.2f}] (n = {gap.n}).",
            icon=":material/warning:",
        )


def _in_pairs(run: Run, result: Result, figures: pd.DataFrame) -> None:
    """SSIM of each pair, the pair that was clicked, and the measures with their controls."""
    pairs = resources.facts("ssim_pairs", run)
    splits = pairs["split"].fillna("trained")
    choices = [LEARNED] * bool((splits == "trained").any())
    choices += [UNSEEN] * bool((splits == "held out").any()) + [PAPERS]
    choice = st.segmented_control("Pairs", choices, default=choices[0], required=True)
    prefix = "held-out " if choice == UNSEEN and LEARNED in choices else ""
    if choice == PAPERS:
        rows, means = published_protocol(pairs)
    else:
        split = "held out" if choice == UNSEEN else "trained"
        rows = pairs[(pairs["pairing"] == "matched") & (splits == split)]
        means = _means(figures, prefix)
    st.caption(_how_paired(choice, result.pairing))
    pair = _bars(run, rows.reset_index(drop=True), means, choice)
    _pair(run, rows, pair)
    names = {f"{prefix}{n}": n for n in ("matched", "random", "mean image", "matched minus random")}
    student_metrics.table(figures, PAIR_METRICS, names, f"pairs-{run.id}")
    _mask_overlap(figures, f"{prefix}reconstructions")
    st.subheader("Pairs", anchor=False)
    _grid(run, rows)


def _mask_overlap(figures: pd.DataFrame, subject: str) -> None:
    overlap = facts.by_name(figures).get((subject, "mask IoU"))
    if overlap is not None:
        st.markdown(
            f"Painted and exact masks overlap by **{student_metrics.words(overlap)}** (IoU, "
            f"n = {overlap.n}); 1 is the same mask."
        )


def _how_paired(choice: str, pairing: str) -> str:
    if choice == PAPERS:
        low, mean, high = published.SSIM_RANGE
        return (
            f"Nine random pairs, as the paper {published.GLASS_PAPER} compared them: what it "
            f"reports, {low} to {high} with a mean of {mean}, is drawn in. Pairs without any "
            "relation say nothing about the student."
        )
    if choice == UNSEEN:
        return (
            "Kept away while it learned; afterwards the latent was sought that paints each best."
            if pairing == OWN_LATENT
            else "It learned from none of these images; each is painted from its own noise."
        )
    return f"How a teacher image got its partner: {glossary.said(pairing)}."


def _means(figures: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Rows of SSIM for the lines of the chart, without the prefix of held-out images."""
    rows = figures[figures["metric"] == "SSIM"]
    rows = rows[rows["subject"].str.startswith("held-out ") == bool(prefix)]
    return rows.assign(subject=rows["subject"].str.removeprefix(prefix))


def _bars(run: Run, rows: pd.DataFrame, means: pd.DataFrame, choice: str) -> int:
    """The bar chart; the pair that was clicked, the first one else."""
    paper = choice == PAPERS
    event = charts.of_run(
        run,
        f"ssim-{choice}",
        lambda: student_plots.ssim_bars(
            rows, means, published.SSIM_RANGE if paper else None, "random" if paper else "matched"
        ),
        rows.drop(columns="run_id"),
        "SSIM of each teacher and student pair, sorted, with the means of the controls",
        on_select="rerun",
        selection_mode="points",
    )
    points = event["selection"]["points"] if event else []
    st.caption("Click a bar to see its pair.")
    return int(points[0]["customdata"]) if points else int(rows.iloc[0]["pair"])


def _pair(run: Run, rows: pd.DataFrame, pair: int) -> None:
    found = rows[rows["pair"] == pair]
    row = (found if len(found) else rows).iloc[0]
    first, second = (run.folder / row[name] for name in ("teacher_path", "student_path"))
    agreement = gallery.agreement(first, second)
    with st.container(horizontal=True, key="large-pictures-pair"):
        for picture, caption, alt in (
            (first, f"teacher, pair {row['pair']}", "Teacher image"),
            (second, f"student, SSIM {row['ssim']:.3f}", "Student image"),
            (agreement, "where they agree (white)", "SSIM map"),
        ):
            st.image(picture, width="stretch", caption=caption, alt=alt)


def _grid(run: Run, rows: pd.DataFrame) -> None:
    with st.container(horizontal=True, key="large-pictures-pairs"):
        for row in rows.head(SHOWN).to_dict("records"):
            st.image(
                _beside(run, row["teacher_path"], row["student_path"]),
                width="stretch",
                caption=f"pair {row['pair']}: SSIM {row['ssim']:.3f}",
                alt=f"Teacher beside student, pair {row['pair']}",
            )


def _beside(run: Run, first: str, second: str) -> bytes:
    return gallery.beside([(run.folder / path, None) for path in (first, second)])


def _as_sets(run: Run, result: Result, figures: pd.DataFrame) -> None:
    """Measures of the samples beside the mean image and images that are as good as real."""
    subjects = {"samples": "samples", "mean image": "mean image"}
    subjects |= {result.control: result.control} if result.control else {}
    st.markdown(
        "What the student invents, as a set, against images of its teacher that it never saw. No "
        "single figure says enough: a grey field is no copy, and noise is sharp. Intervals: 95 %."
    )
    student_metrics.table(figures, SET_METRICS, subjects, f"sets-{run.id}")
    if not figures[figures["metric"] == "mask contrast"].empty:
        st.markdown("Does the mask cover what differs from the background?")
        names = {n: n for n in ("samples", "teacher images", "shuffled masks")}
        student_metrics.table(figures, ["mask contrast"], names, f"masks-{run.id}")


def _nearest(run: Run, by_name: Figures) -> None:
    """How far each sample lies from what was learned, and the nearest ones to look at."""
    rows = resources.facts("neighbours", run)
    if rows.empty:
        st.info("Not measured by that version. Start the comparison again.")
        return
    limit = by_name["training images", "least distance"].value
    charts.of_run(
        run,
        "nearest",
        lambda: student_plots.nearest_distances(rows, limit),
        rows.drop(columns="run_id"),
        "Histogram of distances from samples to their nearest training image",
    )
    st.caption(
        "The nearest samples, each beside the training image it comes nearest to, turned as it "
        f"lies nearest. Under {limit:.1f} grey levels they are nearer than training images are to "
        "each other; look whether such a sample is a copy or only as plain."
    )
    with st.container(horizontal=True, key="large-pictures-nearest"):
        for row in rows[rows["sample_path"].notna()].to_dict("records"):
            near = " · too near" if row["copy"] else ""
            st.image(
                _beside(run, row["sample_path"], row["nearest_path"]),
                width="stretch",
                caption=f"seed {row['seed']}: {row['distance']:.1f}{near}",
                alt=f"Sample of seed {row['seed']} beside its nearest training image",
            )


kind_page(
    "similarity",
    "How good are the images that a student paints? They are held against its teacher's, picture "
    "by picture and as a set, and each figure stands beside its checks: what a plain grey field "
    "would get, for one.",
    show,
)

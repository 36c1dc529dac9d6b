"""Overview: what this is, how things stand, and where to begin."""

import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from backend import demo
from backend.actions import work
from backend.core import runs
from backend.core.runs import Run
from backend.detection import curves, standing
from backend.detection.detector.spec import Result
from backend.glossary import DETECTION_SCORE, SEPARATION
from backend.inspection.model import standing as anomaly_standing
from backend.inspection.threshold import misses, told
from backend.inspection.threshold.spec import Result as Limits
from backend.inspection.threshold.spec import Spec as LimitsSpec
from backend.records import UserError
from backend.students.distill import spec as distill
from backend.students.similarity.spec import OWN_LATENT
from backend.ways import parts, photographs
from pages.ui import (
    bell,
    caveats,
    charts,
    detections,
    feed,
    identity,
    links,
    resources,
    run_table,
    steps,
    threshold_versions,
)
from pages.ui.layout import header

WAYS = (photographs.WAY, parts.WAY)
LOW_DISK = 2 * 2**30
TILE = 238  # px
TEST_PICTURES = 4


@dataclass(frozen=True)
class Card:
    """One figure of the overview.

    alike: JSON path of what runs of one trend must share. only: JSON path → value of the runs that
    count: no control is shown as a result. nothing: the figure of one that learned nothing; where
    the interval reaches it, `empty` and `cure` stand in its place.
    """

    kind: str
    subject: str
    metric: str
    alike: str
    title: str
    only: Mapping[str, str] = field(default_factory=dict)
    nothing: float = -math.inf
    empty: str = ""
    cure: str = ""

    def is_empty(self, run: Run, low: float) -> bool:
        """Is there no evidence that it learned anything? low: lower bound of the interval."""
        if self.kind == "detector":
            return not standing.has_learned(runs.result(run, Result))
        return self.nothing > -math.inf and not low > self.nothing


def show() -> None:
    header(
        "Defect Distillery",
        "Make images of defects where you have few, train models that find defects in photographs "
        "or tell BAD parts from GOOD ones, and measure what they are worth; nothing leaves this "
        "computer. Begin with a guided way, or see what ran last.",
    )
    bell.ring()
    _alerts()
    recent = resources.store().runs(limit=10)
    active = resources.supervisor().active()
    if recent.empty and not active:
        _begin()
        return
    feed.show()
    steps.offer(*WAYS)
    steps.under_way(*WAYS)
    _figures()
    _pictures()
    st.subheader("Last runs", anchor=False)
    run_table.show(active, recent, key="overview")
    st.page_link(links.RUNS, label="All runs", icon=":material/list_alt:")
    _papers()


def _alerts() -> None:
    """What needs a person: full disk, damaged folders, runs that stopped."""
    supervisor = resources.supervisor()
    free = shutil.disk_usage(supervisor.settings.storage).free
    if free < LOW_DISK:
        st.warning(f"Only {free / 2**30:.1f} GB of disk are left.", icon=":material/hard_drive:")
        st.page_link(links.STORAGE, label="See what takes the room")
    for problem in supervisor.problems.values():
        st.error(charts.plain(problem), icon=":material/broken_image:")
    stopped = resources.store().runs(state="interrupted", limit=3)
    for run_id, name in zip(stopped["id"], stopped["name"], strict=True):
        st.warning(f"{charts.plain(name or run_id)} was interrupted.", icon=":material/power_off:")
        links.to_run(run_id, "Resume or delete it")


def _begin() -> None:
    left, right = st.columns(2)
    with left, st.container(border=True):
        st.subheader("See it work", anchor=False)
        st.markdown(
            "The demo needs no data of yours. It draws broken glass, trains a small generator of "
            "such images (a student) and a detector on them; and it simulates printed parts, "
            "learns what GOOD ones look like, and packs that model for a line. About five minutes "
            "on two cores."
        )
        barred = not identity.may("work.submit")
        if st.button("Run the demo", type="primary", icon=":material/play_arrow:", disabled=barred):
            try:
                work.queue(identity.actor(), resources.supervisor(), demo.PLAN)
            except UserError as error:
                st.error(str(error))
            else:
                st.rerun()
    with right:
        steps.offer(*WAYS)
    _papers()


def _papers() -> None:
    """The way to the two papers' experiments, repeated."""
    with st.container(horizontal=True):
        for verb in links.EXPERIMENTS:
            links.to_experiment(verb)


CARDS = (
    Card(
        *("detector", "all test images", "AP50", "$.test_hash", "Detector: detection score (AP50)"),
        only={"$.real": "true"},
        empty="Found nothing yet beyond chance",
        cure=standing.CURE,
    ),
    Card(
        *(
            "similarity",
            "matched minus random",
            "SSIM",
            "$.pairing",
            "Student: likeness beyond chance (SSIM)",
        ),
        only={"$.pairing": OWN_LATENT},
        nothing=0.0,
        empty="Learned nothing yet that can be shown",
        cure="Distil from more images, or for longer.",
    ),
    Card(
        *("inspect", "diffusion", "mean AUROC", "$.parts_run", "Parts: separation (AUROC)"),
        nothing=0.5,
        empty="Cannot be told from guessing yet",
        cure="Train on more GOOD parts, and measure on more BAD ones.",
    ),
    Card("latency", "FP32", "p95 ms", "$.threads", "A part is judged within (95 %)"),
)
MEANINGS = {
    "detector": f"{DETECTION_SCORE.meaning}. On its test photographs; the trend is over runs on "
    "the same ones",
    "similarity": "How much more alike (SSIM) its copies are to their own teacher images than to "
    "others: 0 means the student learned nothing",
    "inspect": f"{SEPARATION.meaning}. Mean over the reliable feature types; the "
    "trend is over the same parts",
    "latency": "95 % of the parts are scored within this",
}


def _pictures() -> None:
    """What the newest anomaly model tells, the newest detector finds, the newest student paints."""
    _told_apart()
    _found()
    _painted()


def _told_apart() -> None:
    """How well the newest anomaly model tells BAD from GOOD, and what its newest limits promise."""
    for run_id in resources.store().runs("inspect", "completed", limit=1)["id"]:
        run = resources.supervisor().find(run_id)
        figures = resources.facts("figures", run)
        mean = figures[(figures["metric"] == "mean AUROC") & (figures["subject"] == "diffusion")]
        if mean.empty:
            return
        st.subheader("Newest anomaly model", anchor=False)
        words = f"{anomaly_standing.verdict(mean.iloc[0])} {_limits(run)}"
        st.markdown(charts.plain(words.strip()))
        links.to_kind("inspect", "See what it finds and misses", run.id)


def _limits(model: Run) -> str:
    """What the newest limits of a model promise and miss, in a sentence; "" without any."""
    for run_id in resources.store().runs("threshold", "completed", limit=10)["id"]:
        run = resources.supervisor().find(run_id)
        if runs.spec(run, LimitsSpec).inspect_run == model.id:
            return " ".join(_of_limits(run))
    return ""


def _of_limits(run: Run) -> Iterator[str]:
    result = runs.result(run, Limits)
    yield f"Its limits are version {result.version}."
    if threshold_versions.promises_nothing(result):
        why = "every limit was chosen by hand" if result.by_hand else "no type has one"
        yield f"They promise nothing: {why}."
    else:
        yield told.promise(runs.spec(run, LimitsSpec).wanted, bool(result.by_hand))
    if result.short:
        yield f"Too few GOOD parts for a limit: {', '.join(result.short)}."
    figures = resources.facts("figures", run)
    lost = misses.of_figures(figures) or misses.of_counts(resources.facts("thresholds", run))
    if lost:
        yield f"They miss {lost[0].count} known BAD parts, {lost[0].share}."


def _found() -> None:
    """The first test pictures of the newest detector that learned something."""
    for run_id in resources.store().runs("detector", "completed", limit=5)["id"]:
        run = resources.supervisor().find(run_id)
        result = runs.result(run, Result)
        if standing.has_learned(result):
            st.subheader("Newest detector", anchor=False)
            st.markdown(charts.plain(standing.verdict(result)))
            st.caption(f"The first of its test images. {detections.LEGEND}")
            judged, images, truths = detections.judged(run)
            rows = curves.by_image(images, judged, result.confidence).head(TEST_PICTURES)
            detections.pictures(run, rows, truths, judged, result.confidence)
            links.to_kind("detector", "See all", run.id)
            return


def _painted() -> None:
    for run_id in resources.store().runs("distill", "completed", limit=5)["id"]:
        run = resources.supervisor().find(run_id)
        frames = sorted((run.artifacts / "film").glob("epoch_*.png"))
        if frames and runs.spec(run, distill.Spec).preset == "default":
            st.subheader("Newest student", anchor=False)
            st.image(
                str(frames[-1]),
                width="stretch",
                caption="Above: its copies of teacher images. Below: the same scenes with other "
                "images' defects.",
                alt="Pictures painted by the newest student",
            )
            spec, result = runs.spec(run, distill.Spec), runs.result(run, distill.Result)
            if short := distill.cut_short(spec, result):
                st.caption(short)
            links.to_kind("distill", "Sample it", run.id)
            return


def _figures() -> None:
    doubtful = []
    with st.container(horizontal=True, key="figure-tiles"):
        for card in CARDS:
            trend = resources.store().latest_figures(
                card.kind, card.subject, card.metric, card.alike, only=card.only
            )
            if len(trend):
                run = resources.supervisor().find(trend.iloc[-1]["id"])
                caveat = caveats.of(run)
                _card(card, trend, run, caveat)
                doubtful += [(card, run, caveat)] if caveat else []
            elif card.kind == "detector":
                _unproven()
    for card, run, caveat in doubtful:
        st.warning(f"**{card.title}**: {charts.plain(caveat)}", icon=":material/warning:")
        links.to_kind(card.kind, "Open this run", run.id)


def _unproven() -> None:
    """Detectors are there, but none was judged on photographs."""
    newest = resources.store().runs("detector", "completed", limit=1)
    if len(newest):
        _remark(
            "Detector",
            "Not judged on photographs yet",
            standing.REAL_TEST,
            ("testset", "Lock test images", ""),
        )


def _remark(title: str, words: str, cure: str, link: tuple[str, str, str]) -> None:
    """What stands where a figure would claim too much, and what to do. link: kind, label, run."""
    with st.container(border=True, width=TILE, height="stretch"):
        st.caption(title)
        st.markdown(f"**{words}**")
        st.caption(cure)
        links.to_kind(*link)


def _card(card: Card, trend: pd.DataFrame, run: Run, caveat: str) -> None:
    """caveat: what makes the figure too good or doubtful, "" for nothing."""
    last = trend.iloc[-1]
    if card.is_empty(run, last["low"]):
        _remark(card.title, card.empty, card.cure, (card.kind, "See the newest", run.id))
        return
    shown, bounds = f"{last['value']:.2f}", charts.spread(last["low"], last["high"])
    if card.metric.endswith("ms"):
        shown = f"{last['value']:.1f} ms"
        bounds = f"[{last['low']:.1f}, {last['high']:.1f}]" if bounds else ""
    elif card.kind == "similarity":
        shown = f"{last['value']:+.2f}"
    st.metric(
        (":orange[:material/warning:] " if caveat else "") + card.title,
        shown,
        delta=f"{bounds} n = {last['n']}".strip(),
        delta_color="off",
        delta_arrow="off",
        help=f"{MEANINGS[card.kind]}. Newest run: {charts.plain(run.name or run.id)}. "
        f"{charts.plain(caveat)}".strip(),
        chart_data=list(trend["value"]) if len(trend) > 1 else None,
        border=True,
        width=TILE,
        height="stretch",
    )


show()

"""Overview: what this is, how things stand, and where to begin."""

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from backend.actions import work
from backend.core import runs
from backend.core.runs import Run
from backend.detection import standing
from backend.detection.detector.spec import Result
from backend.records import UserError
from backend.students.distill.spec import Spec
from backend.students.similarity.spec import OWN_LATENT
from pages.ui import caveats, charts, identity, links, resources, run_table
from pages.ui.layout import header

LOW_DISK = 2 * 2**30
TILE = 238  # px


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
        "Make synthetic defects, distil their generator, judge detectors on images they never "
        "saw, and score GOOD-only inspection per feature type, on this computer alone.",
    )
    _alerts()
    recent = resources.store().runs(limit=10)
    active = resources.supervisor().active()
    if recent.empty and not active:
        _begin()
        return
    _figures()
    st.subheader("Last runs", anchor=False)
    run_table.show(active, recent, key="overview")
    st.page_link(links.RUNS, label="All runs", icon=":material/list_alt:")
    _pictures()


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
    for row in stopped.itertuples():
        st.warning(
            f"{charts.plain(row.name or row.id)} was interrupted.", icon=":material/power_off:"
        )
        links.to_run(row.id, "Resume or delete it")


def _begin() -> None:
    left, right = st.columns(2)
    with left, st.container(border=True):
        st.subheader("See it work", anchor=False)
        st.markdown(
            "The demo runs both flows on built-in data: rendered glass → student → detector, and "
            "simulated prints → GOOD-only scores → ONNX. About five minutes on two cores."
        )
        if st.button("Run the demo", type="primary", icon=":material/play_arrow:"):
            try:
                work.queue_demo(identity.actor(), resources.supervisor())
            except UserError as error:
                st.error(str(error))
            else:
                st.rerun()
    with right, st.container(border=True):
        st.subheader("Use your own data", anchor=False)
        st.markdown(
            "**Photographs**, good or with defects, labelled or not: import them as teacher "
            "images; then put defects on the good ones, and keep labelled ones to test "
            "detectors.\n\n"
            "**Parts sorted GOOD and BAD**: a folder with a `metadata.csv` "
            "(`file_name,feature,label`, 1 = GOOD)."
        )
        links.to_kind("generate", "Begin with teacher images")
        links.to_kind("parts", "Import parts")


CARDS = (
    Card(
        *("detector", "all test images", "AP50", "$.test_hash", "Detector, AP50"),
        only={"$.real": "true"},
        empty="Found nothing yet beyond chance",
        cure=standing.CURE,
    ),
    Card(
        *("similarity", "matched minus random", "SSIM", "$.pairing", "Student, SSIM gap"),
        only={"$.pairing": OWN_LATENT},
        nothing=0.0,
        empty="Learned nothing yet that can be shown",
        cure="Distil from more images, or for longer.",
    ),
    Card(
        *("inspect", "diffusion", "mean AUROC", "$.parts_run", "Inspection, AUROC"),
        nothing=0.5,
        empty="Cannot be told from guessing yet",
        cure="Train on more GOOD parts, and measure on more BAD ones.",
    ),
    Card("latency", "FP32", "p95 ms", "$.threads", "Latency, p95"),
)
MEANINGS = {
    "detector": "Average precision on its test photographs, 1 is perfect; the trend is over runs "
    "on the same ones",
    "similarity": "How much more alike (SSIM) its copies are to their own teacher images than to "
    "others: 0 means the student learned nothing",
    "inspect": "Chance that a BAD part scores higher than a GOOD one, mean over the reliable "
    "feature types; the trend is over the same parts",
    "latency": "95 % of the parts are scored within this",
}


def _pictures() -> None:
    """What the newest student paints."""
    for row in resources.store().runs("distill", "completed", limit=5).itertuples():
        run = resources.supervisor().find(row.id)
        frames = sorted((run.artifacts / "film").glob("epoch_*.png"))
        if frames and runs.spec(run, Spec).preset == "default":
            st.subheader("Newest student", anchor=False)
            st.image(
                str(frames[-1]),
                width="stretch",
                caption="Above: its copies of teacher images. Below: the same scenes with other "
                "images' defects.",
                alt="Pictures painted by the newest student",
            )
            links.to_kind("distill", "Sample it", run.id)
            return


def _figures() -> None:
    told = []
    with st.container(horizontal=True):
        for card in CARDS:
            trend = resources.store().latest_figures(
                card.kind, card.subject, card.metric, card.alike, only=card.only
            )
            if len(trend):
                run = resources.supervisor().find(trend.iloc[-1]["id"])
                caveat = caveats.of(run)
                _card(card, trend, run, caveat)
                told += [(card, run, caveat)] if caveat else []
            elif card.kind == "detector":
                _unproven()
    for card, run, caveat in told:
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
            ("testset", "Freeze a test set", ""),
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
    unit = " ms" if card.metric.endswith("ms") else ""
    st.metric(
        (":orange[:material/warning:] " if caveat else "") + card.title,
        f"{last['value']:.2f}{unit}",
        delta=f"{charts.spread(last['low'], last['high'])} n = {last['n']}".strip(),
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

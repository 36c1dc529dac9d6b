"""Overview: what this is, how things stand, and where to begin."""

import shutil

import pandas as pd
import streamlit as st

from backend import demo
from backend.records import UserError
from pages.ui import charts, links, owner, run_table
from pages.ui.chrome import header

LOW_DISK = 2 * 2**30


@st.cache_data(ttl=2, max_entries=8, show_spinner=False)
def _trend(kind: str, subject: str, metric: str) -> pd.DataFrame:
    return owner.store().latest_figures(kind, metric, subject)


def show() -> None:
    header(
        "Defect Distillery",
        "Make synthetic defects, distil their generator, judge detectors on images they never "
        "saw, and score GOOD-only inspection per feature type, on this computer alone.",
    )
    _alerts()
    recent = owner.store().runs(limit=12)
    active = owner.supervisor().active()
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
    supervisor = owner.supervisor()
    free = shutil.disk_usage(supervisor.settings.storage).free
    if free < LOW_DISK:
        st.warning(f"Only {free / 2**30:.1f} GB of disk are left.", icon=":material/hard_drive:")
        st.page_link(links.STORAGE, label="See what takes the room")
    for problem in supervisor.problems.values():
        st.error(problem, icon=":material/broken_image:")
    stopped = owner.store().runs(state="interrupted", limit=3)
    for row in stopped.itertuples():
        st.warning(f"{row.name or row.id} was interrupted.", icon=":material/power_off:")
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
                demo.queue(owner.supervisor())
            except UserError as error:
                st.error(str(error))
            else:
                st.rerun()
    with right, st.container(border=True):
        st.subheader("Use your own data", anchor=False)
        st.markdown(
            "**Defect photographs**: make synthetic ones first, then name a folder in YOLO's "
            "layout as the detector's test images.\n\n"
            "**Parts sorted GOOD and BAD**: a folder with a `metadata.csv` "
            "(`file_name,feature,label`, 1 = GOOD)."
        )
        links.to_kind("generate", "Begin with teacher images")
        links.to_kind("parts", "Import parts")


CARDS = (
    ("detector", "all test images", "AP50", "Detector, AP50", "On its test images, with interval"),
    (
        "similarity",
        "matched minus random",
        "SSIM",
        "Student, SSIM gap",
        "Matched minus random pairs: 0 means the student learned nothing",
    ),
    ("inspect", "diffusion", "mean AUROC", "Inspection, AUROC", "Mean over reliable feature types"),
    ("latency", "FP32", "p95 ms", "Latency, p95", "95 % of parts are scored within this, ms"),
)


def _pictures() -> None:
    """What the newest student paints."""
    for row in owner.store().runs("distill", "completed", limit=5).itertuples():
        run = owner.supervisor().find(row.id)
        frames = sorted((run.artifacts / "film").glob("epoch_*.png"))
        if run.spec["preset"] == "default" and frames:
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
    shown = [(card, _trend(*card[:3])) for card in CARDS]
    shown = [(card, trend) for card, trend in shown if len(trend)]
    with st.container(horizontal=True):
        for (_, _, metric, title, meaning), trend in shown:
            last = trend.iloc[-1]
            unit = " ms" if metric.endswith("ms") else ""
            spread = charts.spread(last["low"], last["high"])
            st.metric(
                title,
                f"{last['value']:.2f}{unit}",
                delta=spread or None,
                delta_color="off",
                delta_arrow="off",
                help=f"{meaning}. Newest run {last['id']}, n = {last['n']}.",
                chart_data=list(trend["value"]) if len(trend) > 1 else None,
                border=True,
                width=230,
            )


show()

"""Parts: simulate printed parts or import one's own, and check what is there."""

import pandas as pd
import streamlit as st

from backend.records import Label
from backend.runs import Run
from pages.ui import charts, gallery, owner
from pages.ui.run_view import kind_page


def show(run: Run) -> None:
    result = run.result or {}
    parts = owner.facts("parts", run)
    charts.metrics(
        [
            ("Parts", str(result["n"]), ""),
            ("GOOD", str(result["n_good"]), ""),
            ("BAD", str(result["n_bad"]), ""),
            ("Groups", str(result["groups"]), "Parts of one group always stay in one fold"),
        ]
    )
    for note in result["notes"]:
        st.info(charts.plain(note), icon=":material/info:")
    counts = pd.DataFrame(
        [(name, good, bad) for name, (good, bad) in result["counts"].items()],
        columns=["feature", "GOOD", "BAD"],
    )
    st.dataframe(counts, hide_index=True, alt="GOOD and BAD parts per feature type")
    charts.csv(parts.drop(columns="run_id"), f"parts-{run.id}")
    _gallery(run, parts)


def _gallery(run: Run, parts: pd.DataFrame) -> None:
    left, right = st.columns(2)
    feature = left.selectbox("Feature type", ["all", *sorted(parts["feature"].unique())])
    label = right.selectbox("Label", ["all", "GOOD", "BAD"])
    shown = parts if feature == "all" else parts[parts["feature"] == feature]
    shown = shown if label == "all" else shown[shown["label"] == Label[label]]
    rows = gallery.page_of(shown, f"parts-{run.id}-{feature}-{label}")
    with st.container(horizontal=True):
        for row in rows.itertuples():
            words = f"{row.feature} · {Label(row.label).name}"
            caption = charts.plain(f"{words}: {row.defect}" if row.defect else words)
            picture = gallery.overlaid(run.folder / row.path, None, None, 160)
            st.image(picture, width=140, caption=caption, alt=f"Part {row.part}, {caption}")


kind_page(
    "parts",
    "Parts by feature type, GOOD and BAD. The simulator prints the eight types of the source; a "
    "folder with a `metadata.csv` (`file_name,feature,label`) brings your own.",
    show,
)

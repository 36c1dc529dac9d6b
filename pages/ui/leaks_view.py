"""Test images that were found among the training images: all of them, and what to do."""

import pandas as pd
import streamlit as st

from backend.actions import leaks
from backend.core import facts, runs
from backend.core.runs import Run
from backend.detection.detector.spec import Spec as DetectorSpec
from backend.detection.testset.spec import Spec as TestsetSpec
from backend.records import RunState, UserError
from pages.ui import charts, identity, links, resources

COLUMNS = {"training": "training image", "test": "test image", "found": "how", "holder": "in run"}


def show(run: Run) -> None:
    """Nothing where none was found, or none was looked for."""
    if not facts.count(run.folder, "leaks"):
        return
    found = facts.read(run.folder, "leaks")
    found["found"] = found["same"].map({True: "the same picture", False: "looks alike"})
    title = f"{len(found)} training images that are or look like a test image"
    failed = run.state is RunState.FAILED
    if failed:
        _offer(run, found)
    with st.expander(title, expanded=failed, icon=":material/difference:"):
        st.dataframe(found[list(COLUMNS)].rename(columns=COLUMNS), hide_index=True)
        charts.csv(found[list(COLUMNS)], f"leaks-{run.id}")


def _offer(run: Run, found: pd.DataFrame) -> None:
    """The data sets without these images, where those hold all of them."""
    if not identity.may("work.submit"):
        return
    if not found["holder"].isin(_datasets(run)).all():
        return
    count = found["training"].nunique()
    after = "train on it" if run.kind == "detector" else "freeze the test set before"
    words = f"Make the data set again without these {count}, and {after}"
    if st.button(words, icon=":material/playlist_remove:", type="primary"):
        try:
            made = leaks.make_again_without(identity.actor(), resources.supervisor(), run.id)
        except UserError as error:
            st.error(charts.plain(str(error)), icon=":material/error:")
        else:
            st.switch_page(links.BY_KIND[run.kind].path, query_params={"run": _own(made, run)})


def _datasets(run: Run) -> tuple[str, ...]:
    """The data sets that can be made again without a test set's images."""
    if run.kind == "testset":
        return runs.spec(run, TestsetSpec).dataset_runs
    if run.kind != "detector":
        return ()
    spec = runs.spec(run, DetectorSpec)
    return (spec.dataset_run,) if spec.test_run else ()


def _own(made: list[Run], run: Run) -> str:
    return next(one.id for one in made if one.kind == run.kind)

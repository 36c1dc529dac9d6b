"""The way from parts to limits in force and a model to take away."""

import pandas as pd
import streamlit as st

from backend.core import facts, runs
from backend.core.runs import Run
from backend.deployment.latency.spec import Result as LatencyResult
from backend.glossary import SEPARATION
from backend.inspection.model.spec import Result as ModelResult
from backend.inspection.parts.spec import Result as PartsResult
from backend.inspection.threshold.spec import Result as ThresholdResult
from backend.records import MIN_BAD, Label
from backend.ways import parts as way
from backend.ways.way import Made
from pages.ui import (
    caveats,
    charts,
    gallery,
    links,
    package_view,
    part_checks,
    resources,
    steps,
    threshold_versions,
)

SHOWN = 8  # parts of each label
TELLING = {
    "found": "BAD parts it is surest about",
    "missed": "BAD parts that look most like GOOD ones to it",
    "alarm": "GOOD parts that look most unusual to it",
}


def _parts(made: Made) -> None:
    run = made[way.PARTS]
    result = runs.result(run, PartsResult)
    charts.metrics(
        [
            ("GOOD", str(result.n_good), "The model learns from these alone"),
            ("BAD", str(result.n_bad), "These show what it would find"),
            ("Feature types", str(len(result.features)), ", ".join(result.features)),
            ("Groups", str(result.groups), "Parts of one group always stay in one test round"),
        ]
    )
    part_checks.alike_across_groups(run, links.WAYS[way.WAY.key].path)
    part_checks.show(run, result)
    _pictures(run)


def _pictures(run: Run) -> None:
    """Some parts of each label."""
    parts = resources.facts("parts", run)
    with st.container(horizontal=True):
        for label in (Label.GOOD, Label.BAD):
            for row in facts.records(parts[parts["label"] == int(label)].head(SHOWN)):
                picture = gallery.overlaid(run.folder / row["path"], None, None, 128)
                caption = f"{charts.plain(row['feature'])} · {label.name}"
                words = f"Part {row['part']}, {label.name}"
                st.image(picture, width=96, caption=caption, alt=words)


def _model(made: Made) -> None:
    run = made[way.MODEL]
    figures = resources.facts("figures", run)
    means = figures[figures["metric"] == "mean AUROC"]
    charts.metrics(
        [
            (
                row["subject"],
                charts.interval(row["value"], row["low"], row["high"]),
                SEPARATION.words,
            )
            for row in facts.records(means)
        ]
    )
    if means.empty:
        st.info(
            "No BAD part is known, so how well it tells BAD from GOOD is not known. Bring parts "
            f"that are known to be BAD, {MIN_BAD} or more of a feature type, and go this way again."
        )
    caveats.noted(runs.result(run, ModelResult).notes)


def _limits(made: Made) -> None:
    run = made[way.LIMITS]
    result = runs.result(run, ThresholdResult)
    types = f"{len(result.ready)} of {len(result.ready) + len(result.short)}"
    alarms = "no promise"
    if not threshold_versions.promises_nothing(result):
        alarms = f"≤ {result.alarm_rate * 100:.3g}%"
    charts.metrics(
        [
            ("Types with a limit", types, "The others have too few GOOD parts for this promise"),
            ("False alarms", alarms, "Promised, of GOOD parts of the same process"),
            ("BAD missed", *threshold_versions.missed_tile(run)),
        ]
    )
    caveats.noted(result.notes)


def _package(made: Made) -> None:
    package_view.figures(made[way.PACKAGE])


def _latency(made: Made) -> None:
    result = runs.result(made[way.LATENCY], LatencyResult)
    charts.metrics(
        [
            ("Median", f"{result.p50:.1f} ms", "Half of the parts are faster"),
            ("95 % within", f"{result.p95:.1f} ms", f"On {result.cpu}"),
            ("Parts per second", f"{result.parts_per_second:.0f}", "One after the other"),
        ]
    )
    if result.busy:
        st.warning(charts.plain(result.busy), icon=":material/speed:")


def _force(made: Made) -> None:
    """What it finds and misses, its limits, and the field that puts them in force."""
    model, limits = made[way.MODEL], made[way.LIMITS]
    _telling(model)
    _table(limits)
    links.to_part(model.id, label="Look at single parts")
    caveats.alike(limits)
    threshold_versions.standing(limits)
    threshold_versions.activate(limits)


def _telling(model: Run) -> None:
    """The parts that tell most, each with where the model sees something unusual."""
    for kind, words in TELLING.items():
        pictures = sorted((model.artifacts / "maps").glob(f"{kind}-*.png"))
        if pictures:
            st.caption(f"{words}; orange: where it sees something unusual.")
            with st.container(horizontal=True):
                for path in pictures:
                    st.image(str(path), width=120, alt=f"{words}, {path.stem}")


def _table(limits: Run) -> None:
    rows = resources.facts("thresholds", limits)
    lost = rows["n_bad"] - rows["bad_alarms"] - rows["bad_reviews"]
    pairs = zip(lost, rows["n_bad"], strict=True)
    shown = pd.DataFrame(
        {
            "feature": rows["feature"],
            "BAD above": [charts.number(value) for value in rows["alarm_limit"]],
            "review above": [charts.number(value) for value in rows["review_limit"]],
            "GOOD parts": rows["n_good"],
            "BAD missed": [f"{missed} of {known}" for missed, known in pairs],
        }
    )
    st.dataframe(shown, hide_index=True, alt="Limits per feature type")
    charts.csv(shown, f"limits-{limits.id}")


def _take(made: Made) -> None:
    package = made[way.PACKAGE]
    package_view.download(package, made[way.PARTS].name or made[way.PARTS].id)
    links.to_try_part(package.id)


steps.show(
    steps.View(
        way.WAY,
        "folder",
        lambda: {"source": "folder"},
        {
            way.PARTS: _parts,
            way.MODEL: _model,
            way.LIMITS: _limits,
            way.PACKAGE: _package,
            way.LATENCY: _latency,
            way.FORCE: _force,
            way.TAKE: _take,
        },
    )
)

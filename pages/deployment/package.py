"""Package: a finished model in files that run without this program, and what is in them."""

from typing import Any

import pandas as pd
import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.deployment.package import contract, limits, takeaway
from backend.deployment.package.spec import Result, Spec
from backend.images import licences
from backend.plots import deployment as deployment_plots
from backend.settings import settings
from pages.ui import caveats, charts, links, package_view, verdict
from pages.ui.layout import tabs
from pages.ui.run_view import kind_page

EDGE = 128  # px of a golden picture
TRADE = (
    "GOOD patches and whitening grow with the feature types. Fewer patches or directions "
    "(`patches`, `rank` of the anomaly model) make the file smaller; what they cost in separation "
    "is measured in the same test rounds, in pairs."
)


def show(run: Run) -> None:
    result = runs.result(run, Result)
    older = takeaway.is_older(run)
    verdict.told(package_view.sentence(result), run, *(() if older else _next(result)))
    if older:
        st.info(
            "An earlier version exported this; its files are in the zip as they were. Pack the "
            "model again for a package.",
            icon=":material/history:",
        )
        links.to_kind("package", "Pack the model again", source=runs.spec(run, Spec).model_run)
    _student(run, result)
    package_view.figures(run)
    if result.sort == "anomaly":
        _limits(run)
        caveats.alike(run)
    package_view.download(run, run.name or run.id)
    if older:
        return
    _tabs(run, result)
    if result.sort == "anomaly":
        links.to_try_part(run.id)


def _next(result: Result) -> tuple[tuple[str, str], ...]:
    if result.sort == "student":
        return (("sample", "Let it paint images"), ("gate", "INT8 of it?"))
    return (("gate", "May it go on the line?"), ("latency", "How fast is it here?"))


def _student(run: Run, result: Result) -> None:
    """Whether its INT8 file is kept, where it was timed, and what its card lacks."""
    if result.sort != "student":
        return
    tell, icon = (st.success, "check_circle") if result.int8_passes else (st.warning, "warning")
    tell(result.int8, icon=f":material/{icon}:")
    if not result.measured:
        st.info("No similarity run was given, so the card has no measures. Pack it with one.")
        links.to_kind("similarity", "Measure the student", source=runs.spec(run, Spec).model_run)
    st.caption(f"Timed on one thread of {result.computer}.")


def _limits(run: Run) -> None:
    """Whether limits go with it."""
    found = limits.in_force(settings().storage, runs.spec(run, Spec).model_run)
    if found:
        st.caption(f"Limits of version {found.version} are in force and go with it.")
    else:
        st.caption("None of this model's limits is in force, so it gives a score, but no verdict.")
        links.to_kind("threshold", "Put limits in force")


def _tabs(run: Run, result: Result) -> None:
    folder = contract.folder_of(run.folder)
    head = runs.read_json(folder / contract.HEAD)
    tabs(
        {
            "What goes in and out": lambda: _contract(head, licences.licence(run.folder)),
            "Golden pictures": lambda: _golden(run),
            "What takes the space": lambda: _sizes(run, result),
            "Model card": lambda: st.markdown((folder / contract.CARD).read_text(encoding="utf-8")),
        }
    )


def _contract(head: dict[str, Any], licence: str) -> None:
    """What whoever calls the file gives and gets. licence: as it is known now."""
    rows = [
        {
            "": way.removesuffix("puts"),
            "name": one["name"],
            "numbers": one["dtype"],
            "shape": " × ".join(map(str, one["shape"])),
            "range or unit": _range(one),
            "meaning": one["meaning"],
        }
        for way in ("inputs", "outputs")
        for one in head[way]
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="What goes in and what comes out")
    names = head.get("feature_types") or head["classes"]
    st.markdown(
        f"Feature types, in their order: {', '.join(map(charts.plain, names))}."
        if head.get("feature_types")
        else f"Classes, in their order: {', '.join(map(charts.plain, names)) or 'none'}."
    )
    st.caption(
        f"ONNX operator set {head['opset']}; {len(head['files'])} files, each with its SHA-256 in "
        f"package.json. Licences: {charts.plain(licence)}."
    )


def _range(one: dict[str, Any]) -> str:
    if "range" not in one:
        return str(one.get("unit", ""))
    low, high = one["range"]
    return f"{low} to {high}" + (f", {one['colour']}" if "colour" in one else "")


def _golden(run: Run) -> None:
    """The pictures that whoever takes the package tries first, with what has to come out."""
    folder = contract.folder_of(run.folder) / "golden"
    rows = runs.read_json(folder / "golden.json")["pictures"]
    st.caption(
        f"{len(rows)} pictures go with the package, with what has to come out of each: tried on "
        "the line's computer, they show that it computes what is computed here."
    )
    with st.container(horizontal=True):
        for row in rows:
            caption = charts.plain(_expected(row))
            words = f"Golden picture {row['file']}, {caption}"
            st.image(str(folder / row["file"]), caption=caption, width=EDGE, alt=words)


def _expected(row: dict[str, Any]) -> str:
    expected = row["expected"]
    if "score" in expected:
        return f"{row['feature_type']}, {row['label']}: {expected['score']:.3f}"
    if "boxes" in expected:
        sure = max(expected["confidences"], default=0.0)
        return f"{row['label']}: {len(expected['boxes'])} boxes, surest {sure:.3f}"
    return f"{expected['defect_share']:.1%} defect"


def _sizes(run: Run, result: Result) -> None:
    """What the megabytes are, and what fewer would cost."""
    rows = pd.DataFrame({"part": list(result.sizes), "megabytes": list(result.sizes.values())})
    charts.figure(
        deployment_plots.sizes(rows),
        rows,
        f"sizes-{run.id}",
        "Bars: megabytes of the model's file by what takes them",
    )
    if result.sort == "anomaly":
        st.markdown(TRADE)
        model_run = runs.spec(run, Spec).model_run
        links.to_kind("ablation", "What would fewer cost?", source=model_run)


kind_page(
    "package",
    "Take a finished model away in files that run without this program: the model (ONNX), pictures "
    "with the answers that it must give, a card that says what it is worth, and an example. That "
    "it answers as the trained model does is measured on its whole test set.",
    show,
)

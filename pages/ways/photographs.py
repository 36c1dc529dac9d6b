"""The way from photographs to a detector that is judged and taken away."""

import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.detection import curves, standing
from backend.detection.dataset.spec import Result as DatasetResult
from backend.detection.detector.spec import Result as DetectorResult
from backend.detection.study.spec import Result as StudyResult
from backend.detection.testset.spec import Result as TestResult
from backend.glossary import LOCKED
from backend.images import curation
from backend.teachers.generate.imported import WITHOUT
from backend.teachers.generate.spec import Result as ImportResult
from backend.ways import photographs as way
from backend.ways.way import Made
from pages.ui import (
    caveats,
    charts,
    detections,
    detector_summary,
    gallery,
    links,
    package_view,
    steps,
)

SHOWN = 8  # pictures


def _ask() -> dict[str, object]:
    """What a photograph is that nothing labels."""
    said = st.segmented_control(
        "Photographs that nothing labels",
        WITHOUT,
        default=WITHOUT[1],
        required=True,
        format_func=dict(
            zip(WITHOUT, ("are good", "are not labelled yet"), strict=True)
        ).__getitem__,
        help="Those in a folder called good are good in any case. One that is not labelled yet is "
        "neither trained on nor tested.",
    )
    return {"teacher": "folder", "without_label": said}


def _photographs(made: Made) -> None:
    run = made[way.PHOTOS]
    found = way.holding(run)
    images = curation.images(run.folder)
    charts.metrics(
        [
            ("Photographs", str(len(images)), ""),
            ("Good", str(found.good), "Labelled, without a defect; not counting those put aside"),
            ("With a defect", str(found.defects), "With boxes; not counting those put aside"),
            ("Not labelled", str(found.unlabelled), "Neither trained on nor tested"),
            ("Put aside", str(found.away), "For the test; nothing is trained on them"),
            ("Parts", str(images["group"].nunique()), "Photographs of one part stay together"),
        ]
    )
    caveats.noted(runs.result(run, ImportResult).notes)
    _pictures(run)
    if found.unlabelled:
        st.page_link(
            links.CURATION,
            label=f"Label the {found.unlabelled} that are not labelled",
            icon=":material/edit_note:",
            query_params={"run": run.id},
        )


def _pictures(run: Run) -> None:
    """Some images of a set with their boxes, those with a box and those without by turns."""
    images, boxes = curation.images(run.folder), curation.boxes(run.folder)
    marked = images["image"].isin(boxes["image"])
    place = images.groupby(marked).cumcount()
    chosen = images.assign(place=place).sort_values("place", kind="stable").head(SHOWN)
    gallery.strip(run, chosen, boxes)


def _split(made: Made) -> None:
    run = made[way.SPLIT]
    result = runs.result(run, TestResult)
    charts.metrics(
        [
            ("Test images", str(result.images), LOCKED.meaning),
            ("With a defect", str(result.images - result.intact), "Can it find them?"),
            ("Good", str(result.intact), "Does it raise a false alarm on them?"),
            ("Parts", str(result.groups), "Nothing is trained on a photograph of one of these"),
        ]
    )
    caveats.noted(result.notes)


def _composites(made: Made) -> None:
    _pictures(made[way.COMPOSITES])


def _dataset(made: Made) -> None:
    result = runs.result(made[way.DATASET], DatasetResult)
    charts.metrics(
        [
            ("Images", str(result.images), charts.plain(result.source)),
            ("Training", str(result.training), "Images the detector learns from"),
            ("Validation", str(result.validation), "Images that choose its confidence"),
            ("Boxes", str(result.boxes), "Defects marked"),
            ("Without a defect", str(result.empty), "Images without any box"),
        ]
    )
    caveats.noted(result.notes)


def _detector(made: Made) -> None:
    run = made[way.DETECTOR]
    result = runs.result(run, DetectorResult)
    detector_summary.verdict(result)
    detector_summary.origin(result)
    if standing.has_learned(result):
        _figures(result)
    _predictions(run, result)


def _figures(result: DetectorResult) -> None:
    charts.metrics(
        [
            ("Defects found", _share(result.recall), "Share, at the confidence chosen for it"),
            ("Right of its boxes", _share(result.precision), "Share of boxes that fit a defect"),
            ("False alarms", _share(result.false_alarms), "Share of good photographs"),
        ]
    )


def _share(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.0%}"


def _predictions(run: Run, result: DetectorResult) -> None:
    """Some test photographs with what the detector draws on them."""
    judged, images, truths = detections.judged(run)
    st.caption(detections.LEGEND)
    rows = curves.by_image(images, judged, result.confidence)
    rows = curves.most_wrong(rows).head(SHOWN)
    detections.pictures(run, rows, truths, judged, result.confidence)


def _study(made: Made) -> None:
    result = runs.result(made[way.STUDY], StudyResult)
    st.info(charts.plain(result.verdict), icon=":material/science:")
    st.markdown("\n".join(f"- {charts.plain(words)}" for words in result.verdicts))


def _package(made: Made) -> None:
    package_view.figures(made[way.PACKAGE])


def _take(made: Made) -> None:
    package_view.download(made[way.PACKAGE], made[way.PHOTOS].name or made[way.PHOTOS].id)
    links.to_detector(made[way.DETECTOR].id)


steps.show(
    steps.View(
        way.WAY,
        "folder",
        _ask,
        {
            way.PHOTOS: _photographs,
            way.SPLIT: _split,
            way.COMPOSITES: _composites,
            way.DATASET: _dataset,
            way.DETECTOR: _detector,
            way.PACKAGE: _package,
            way.STUDY: _study,
            way.TAKE: _take,
        },
    )
)

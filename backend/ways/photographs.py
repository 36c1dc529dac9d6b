"""Find defects in photographs: from a zip to a detector that is judged on parts it never saw."""

from typing import Any

import numpy as np

from backend.composites.spec import Result as CompositeResult
from backend.core import facts, runs
from backend.core.runs import Run
from backend.deployment.package.spec import Result as PackageResult
from backend.detection import standing
from backend.detection.dataset.spec import Result as DatasetResult
from backend.detection.detector.spec import Result as DetectorResult
from backend.detection.study.spec import Result as StudyResult
from backend.detection.testset.spec import Result as TestResult
from backend.images import fits, imagefiles
from backend.images.fits import Holding
from backend.images.vocabulary import BOXES, GOOD, LABELLED, PHOTOGRAPHS
from backend.numeric.hardware import find_gpu
from backend.records import UserError
from backend.ways.way import Made, Step, Way, setting
from backend.wording import counted

PHOTOS, SPLIT, COMPOSITES, DATASET = "photographs", "split", "composites", "dataset"
DETECTOR, PACKAGE, STUDY, TAKE = "detector", "package", "study", "take"
ASIDE = 0.3
EACH, LEAST, MOST = 4, 20, 200  # composites a good photograph, and in all
LOOKED_AT = 30  # photographs that say how large a detector looks
SMALLEST, ON_CPU, ON_GPU = 128, 320, 640  # px


def holding(run: Run) -> Holding:
    """What an import holds, without what was put aside. Raises UserError where it has no images."""
    found = fits.holding(run.folder)
    if found is None:
        raise UserError(f"Run '{run.id}' holds no images. Begin with others.")
    return found


def _lacks(made: Made, *wants: str) -> str:
    found = holding(made[PHOTOS])
    return next(filter(None, (fits.why_not(found, wanted) for wanted in wants)), "")


def _nothing_to_test(made: Made) -> str:
    if why := _lacks(made, PHOTOGRAPHS):
        return (
            f"These photographs cannot judge a detector: {why}. Draw boxes on the page Labels and "
            "curation; without them it is judged on rendered images, which says little."
        )
    return ""


def _nothing_good(made: Made) -> str:
    if _lacks(made, GOOD):
        return "No photograph is known to be good, so no defects can be put on any."
    return ""


def _nothing_to_learn(made: Made) -> str:
    if COMPOSITES not in made and _lacks(made, LABELLED, BOXES):
        return (
            "Nothing shows where a defect is. Draw boxes on the page Labels and curation, or begin "
            "with photographs of good parts."
        )
    return ""


def _nothing_to_compare(made: Made) -> str:
    if SPLIT not in made or COMPOSITES not in made:
        return "It compares your labelled photographs with and without synthetic defects."
    if _lacks(made, BOXES, GOOD):
        return "Too few photographs are left to learn from, so there is nothing to compare."
    return ""


def _photographs_told(made: Made) -> str:
    found = holding(made[PHOTOS])
    away = f"; {found.away} put aside" if found.away else ""
    return (
        f"{found.good} good, {found.defects} with labelled defects, {found.unlabelled} not "
        f"labelled{away}"
    )


def _split_told(made: Made) -> str:
    result = runs.result(made[SPLIT], TestResult)
    of = counted(result.groups, "part")
    return f"{counted(result.images, 'test image')} of {of}, {result.intact} of them good"


def _composites_told(made: Made) -> str:
    result = runs.result(made[COMPOSITES], CompositeResult)
    drawn = f"{counted(result.images, 'image')} with {counted(result.boxes, 'defect')}"
    return f"{drawn} on {counted(result.photographs, 'photograph')}"


def _dataset_told(made: Made) -> str:
    result = runs.result(made[DATASET], DatasetResult)
    return f"{counted(result.training, 'image')} to learn from, {result.validation} for validation"


def _composites(made: Made) -> dict[str, Any]:
    return {"count": int(np.clip(EACH * holding(made[PHOTOS]).good, LEAST, MOST))}


def _size(made: Made) -> int:
    """Edge at which a detector looks, px, from the photographs' own; a multiple of 32."""
    paths = facts.read(made[PHOTOS].folder, "images")["path"].head(LOOKED_AT)
    edges = [max(imagefiles.size(made[PHOTOS].folder / path)) for path in paths]
    most = ON_GPU if find_gpu() else ON_CPU
    return int(np.clip(round(np.median(edges) / 32) * 32, SMALLEST, most))


def _study(made: Made) -> dict[str, Any]:
    """Half of the real photographs and all, with and without synthetic ones."""
    real = holding(made[PHOTOS]).defects
    return {
        "arms": ["real+intact", "real+intact+synthetic"],
        "amounts": sorted({max(1, real // 2), real}),
        "synthetic_count": setting(made[COMPOSITES], "count"),
        "size": _size(made),
    }


WAY = Way(
    "photographs",
    "Find defects in photographs",
    "Drop photographs of parts, good ones and ones with labelled defects, and get a detector. It "
    "is judged on parts it never saw, which are put aside first.",
    (
        Step(
            PHOTOS,
            "generate",
            "The photographs",
            "A zip with photographs and their labels (YOLO, COCO, Pascal VOC, LabelMe or masks). "
            "Those in a folder called good are good; a `metadata.csv` with the columns file_name "
            "and group says which show the same part.",
            told=_photographs_told,
        ),
        Step(
            SPLIT,
            "testset",
            "Put 30 % of the parts aside",
            "They judge the detector later, so nothing is trained on them: each part goes with all "
            "its photographs.",
            {"images_run": (PHOTOS,)},
            settings=lambda made: {"aside_share": ASIDE},
            obstacle=_nothing_to_test,
            told=_split_told,
            skippable=True,
        ),
        Step(
            COMPOSITES,
            "composite",
            "Put defects on good photographs",
            "Each gets a label that is exact to the pixel. The photographs put aside stay out.",
            {"goods_run": (PHOTOS,)},
            after=(SPLIT,),
            settings=_composites,
            obstacle=_nothing_good,
            told=_composites_told,
            skippable=True,
        ),
        Step(
            DATASET,
            "dataset",
            "Make the data set",
            "All labelled photographs that were not put aside, and the made defects.",
            {"source_runs": (PHOTOS, COMPOSITES)},
            after=(SPLIT,),
            settings=lambda made: {"counts": [0]},
            obstacle=_nothing_to_learn,
            told=_dataset_told,
        ),
        Step(
            DETECTOR,
            "detector",
            "Train and judge the detector",
            "It learns from the data set and is judged on the photographs put aside.",
            {"dataset_run": (DATASET,), "test_run": (SPLIT,)},
            settings=lambda made: {"size": _size(made)},
            together=(PACKAGE,),
            told=lambda made: standing.verdict(runs.result(made[DETECTOR], DetectorResult)),
        ),
        Step(
            PACKAGE,
            "package",
            "Package for the line",
            "The detector in files that run without this program, checked against the trained one.",
            {"model_run": (DETECTOR,)},
            told=lambda made: f"{runs.result(made[PACKAGE], PackageResult).megabytes:.1f} MB",
        ),
        Step(
            STUDY,
            "study",
            "Does synthetic data help?",
            "Trains detectors with and without the made defects, several times, and compares them "
            "on the photographs put aside. It takes longest of all.",
            {"real_run": (PHOTOS,), "test_run": (SPLIT,), "synthetic_runs": (COMPOSITES,)},
            settings=_study,
            obstacle=_nothing_to_compare,
            told=lambda made: runs.result(made[STUDY], StudyResult).verdict,
            optional=True,
            skippable=True,
        ),
        Step(
            TAKE,
            "",
            "Take it away",
            "The detector, its model card, golden pictures and an example program, as one "
            "download.",
            after=(PACKAGE,),
        ),
    ),
    lambda run: run.kind == "generate" and setting(run, "teacher") == "folder",
)

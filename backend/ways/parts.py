"""Inspect parts: from a zip of GOOD and BAD parts to limits in force and a model to take away."""

from backend.core import runs
from backend.core.runs import Run
from backend.deployment.latency.spec import Result as LatencyResult
from backend.deployment.package.spec import Result as PackageResult
from backend.inspection.model.spec import Result as ModelResult
from backend.inspection.parts.spec import Result as PartsResult
from backend.inspection.threshold import active
from backend.inspection.threshold.limits import least_groups
from backend.inspection.threshold.spec import Result as ThresholdResult
from backend.inspection.threshold.spec import Spec as ThresholdSpec
from backend.ways.way import Made, Step, Way, setting

PARTS, MODEL, LIMITS, PACKAGE, LATENCY = "parts", "model", "limits", "package", "latency"
FORCE, TAKE = "force", "take"
ALARM_RATE = 0.05


def _begins(run: Run) -> bool:
    return run.kind == "parts" and setting(run, "source") != "simulator"


def _no_good_parts(made: Made) -> str:
    result = runs.result(made[PARTS], PartsResult)
    if result.n_good:
        return ""
    return "None of the parts is GOOD, and the model learns from GOOD ones alone. Import some."


def _parts_told(made: Made) -> str:
    result = runs.result(made[PARTS], PartsResult)
    return f"{result.n_good} GOOD and {result.n_bad} BAD parts of {_types(len(result.features))}"


def _types(count: int) -> str:
    return f"{count} feature type{'' if count == 1 else 's'}"


def _model_told(made: Made) -> str:
    result = runs.result(made[MODEL], ModelResult)
    mean = result.mean_auroc.get("diffusion")
    if mean is None:
        return f"learned from {result.n_good} GOOD parts; no BAD part is known to measure it on"
    return f"learned from {result.n_good} GOOD parts; separation GOOD/BAD (AUROC) {mean:.2f}"


def _limits_told(made: Made) -> str:
    result = runs.result(made[LIMITS], ThresholdResult)
    return (
        f"{_types(len(result.ready))} with a limit, {len(result.short)} without; "
        f"{result.missed} of {result.n_bad} known BAD parts missed"
    )


def _latency_told(made: Made) -> str:
    result = runs.result(made[LATENCY], LatencyResult)
    return f"95 % of the parts within {result.p95:.1f} ms on this computer"


def _no_limit(made: Made) -> str:
    """Why a version cannot be put in force."""
    result = runs.result(made[LIMITS], ThresholdResult)
    if result.ready:
        return ""
    wanted = runs.spec(made[LIMITS], ThresholdSpec).wanted
    needed = least_groups(wanted.alarm_rate, wanted.confidence)
    return (
        f"No feature type has a limit: that takes {needed} groups with GOOD parts each. Import "
        "more GOOD parts, or set the limits again with a higher alarm rate."
    )


def _is_in_force(made: Made) -> bool:
    limits = made[LIMITS]
    found = active.current(limits.folder.parent.parent, limits.project)
    return found is not None and found.run_id == limits.id


WAY = Way(
    "parts",
    "Inspect parts",
    "Drop pictures of single parts, sorted GOOD and BAD, and get a model that learned from the "
    "GOOD ones. With it come limits that promise how many of them raise a false alarm.",
    (
        Step(
            PARTS,
            "parts",
            "The parts",
            "A zip with folders called good and bad, MVTec AD folders, or a metadata.csv "
            "(file_name, feature, label: 1 GOOD, 0 BAD). They are checked before anything is "
            "learned from them.",
            told=_parts_told,
        ),
        Step(
            MODEL,
            "inspect",
            "Train on these parts",
            "Queues four jobs: the model, its limits at 5 % false alarms, the package for the "
            "line, and how fast it is on this computer.",
            {"parts_run": (PARTS,)},
            obstacle=_no_good_parts,
            together=(LIMITS, PACKAGE, LATENCY),
            told=_model_told,
        ),
        Step(
            LIMITS,
            "threshold",
            "Limits",
            "From which score on a part counts as BAD: at most 5 % of GOOD parts raise an alarm.",
            {"inspect_run": (MODEL,)},
            settings=lambda made: {"alarm_rate": ALARM_RATE},
            told=_limits_told,
        ),
        Step(
            PACKAGE,
            "package",
            "Package for the line",
            "The model in files that run without this program, checked against the trained one.",
            {"model_run": (MODEL,)},
            told=lambda made: f"{runs.result(made[PACKAGE], PackageResult).megabytes:.1f} MB",
        ),
        Step(
            LATENCY,
            "latency",
            "Speed",
            "How long a part takes on this computer.",
            {"package_run": (PACKAGE,)},
            told=_latency_told,
        ),
        Step(
            FORCE,
            "",
            "Look, and put in force",
            "See what it finds and what it misses; then say that these limits hold from now on.",
            after=(LIMITS,),
            obstacle=_no_limit,
            reached=_is_in_force,
        ),
        Step(
            TAKE,
            "",
            "Take it away",
            "Model, limits in force, model card, golden parts and an example program, as one "
            "download.",
            after=(PACKAGE, FORCE),
        ),
    ),
    _begins,
)

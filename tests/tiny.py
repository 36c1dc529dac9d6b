"""Both flows at their smallest, as real jobs: what page, browser and flow tests look at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.core import jobs, runs
from backend.core.runs import Run
from backend.records import RunState
from backend.settings import Settings
from backend.teachers.stable_diffusion.settings import MODEL
from tests import preloaded

FRESH = ("detector", "lora")  # begin as they do in the program, with no library read
PLACES = ("@real", "@intact", "@set")  # folders of tiny pictures, made when the steps are run
STEPS: tuple[tuple[str, dict[str, Any], dict[str, str | tuple[str, ...]]], ...] = (
    ("generate", {"count": 18, "intact_share": 0.2}, {}),
    ("composite", {"count": 4}, {"goods_run": "generate"}),
    ("label", {"only_missing": False}, {"source_run": "generate"}),
    ("agreement", {"count": 4, "size": 128}, {}),
    ("diffusion", {"minutes": 0.05, "batch": 2}, {"images_run": "generate"}),
    ("lora", {"steps": 2, "pixels": 64, "preview_every": 2}, {"images_run": "generate"}),
    ("distill", {"preset": "paper", "epochs": 1, "size": 128}, {"teacher_run": "generate"}),
    (
        "distill",
        {"epochs": 2, "size": 64, "batch": 8, "channels": 8},
        {"teacher_run": "generate"},
    ),
    ("similarity", {"pairs": 6, "samples": 20}, {"student_run": "distill"}),
    ("sample", {"count": 6}, {"student_run": "distill"}),
    ("dataset", {"counts": [10], "labels": "centred"}, {"source_runs": ("distill",)}),
    ("testset", {"folder": "@real", "intact_folder": "@intact"}, {"dataset_runs": ("dataset",)}),
    ("detector", {"epochs": 1, "size": 64}, {"dataset_run": "dataset"}),
    (
        "study",
        {
            **{"real_folder": "@real", "intact_folder": "@intact", "amounts": [0, 6], "seeds": 1},
            **{"arms": ["real+intact", "real+intact+synthetic"], "synthetic_count": 5},
            **{"steps": 2, "batch": 4, "size": 64},
        },
        {"synthetic_runs": ("generate",)},
    ),
    ("parts", {"scale": 0.1, "size": 64}, {}),
    ("inspect", {"folds": 2, "steps": 2, "size": 64, "dims": 8}, {"parts_run": "parts"}),
    ("threshold", {"alarm_rate": 0.2, "review_rate": 0.3}, {"inspect_run": "inspect"}),
    (
        "ablation",
        {"changes": ["timesteps = 1"], "resamples": 50},
        {"inspect_run": "inspect"},
    ),
    (
        "benchmark",
        {"folder": "@set", "steps": 2, "size": 64, "methods": ["padim"]},
        {},
    ),
    ("package", {}, {"model_run": "distill", "similarity_run": "similarity"}),
    ("package", {}, {"model_run": "detector"}),
    ("package", {}, {"model_run": "inspect"}),
    (
        "gate",
        {"calls": 30, "units": 2, "calibration": 8, "variants": "int8", "budget_ms": 9999.0},
        {"package_run": "package of distill"},
    ),
    (
        "gate",
        {"calls": 30, "units": 2, "calibration": 4, "variants": "int8", "budget_ms": 9999.0},
        {"package_run": "package of detector"},
    ),
    (
        "gate",
        {"calls": 30, "units": 2, "calibration": 8, "nodes": "all", "budget_ms": 9999.0},
        {"package_run": "package"},
    ),
    ("latency", {"repetitions": 20, "series_calls": 20}, {"package_run": "package"}),
    (
        "line",
        {"pace": 0.0, "count": 24},
        {"parts_run": "parts", "package_run": "package", "threshold_run": "threshold"},
    ),
)


def make(settings: Settings) -> dict[str, Run]:
    """Run every step; returns kind → its newest run, of packages also "package of …" → the one of
    that kind of model. Fails with the log of a step that failed."""
    from tests import tiny_benchmark, tiny_diffusion, tiny_photographs  # torch and OpenCV

    tiny_diffusion.make(settings.weights / MODEL.replace("/", "__"))
    real, intact = tiny_photographs.make(settings.storage.parent / "photographs")
    public = settings.storage.parent / "public"
    tiny_benchmark.mvtec(public, ("bottle",))
    places = {"@real": str(real), "@intact": str(intact), "@set": str(public)}
    made: dict[str, Run] = {}
    with preloaded.starting(settings) as work:
        for kind, values, inputs in STEPS:
            chosen = {name: places[v] if v in PLACES else v for name, v in values.items()}
            wanted = chosen | {field: _ids(made, source) for field, source in inputs.items()}
            made[kind] = run(settings, kind, wanted, None if kind in FRESH else work)
            if kind == "package":
                made[f"package of {inputs['model_run']}"] = made[kind]
    return made


def _ids(made: dict[str, Run], source: str | tuple[str, ...]) -> str | list[str]:
    """A run's id; of several kinds, a list of them."""
    return made[source].id if isinstance(source, str) else [made[kind].id for kind in source]


def run(
    settings: Settings,
    kind: str,
    values: dict[str, object],
    work: Callable[[Path], None] | None = None,
) -> Run:
    """One job in its own process, to its end: the one that `work` starts, else an ordinary one."""
    folder = jobs.submit(
        settings,
        kind,
        values,
        name=f"tiny-{kind}" if kind == "line" else f"tiny {kind}",
        queued=False,
    ).folder
    if work:
        work(folder)
    else:
        jobs.start(settings, folder).wait(preloaded.PATIENCE)
    ended = runs.read(folder)
    assert ended.state is RunState.COMPLETED, f"{ended.error}\n{runs.log_tail(folder)}"
    return ended

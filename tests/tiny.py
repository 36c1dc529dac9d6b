"""Both flows at their smallest, as real jobs: what page, browser and flow tests look at."""

from backend.core import jobs, runs
from backend.core.runs import Run
from backend.records import RunState
from backend.settings import Settings
from backend.teachers.stable_diffusion.settings import MODEL

PLACES = ("@real", "@intact")  # folders of tiny photographs, made when the steps are run
STEPS = (
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
    (
        "student-export",
        {"checked": 8},
        {"student_run": "distill", "similarity_run": "similarity"},
    ),
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
    ("export", {}, {"inspect_run": "inspect"}),
    ("latency", {"repetitions": 20}, {"export_run": "export"}),
)


def make(settings: Settings) -> dict[str, Run]:
    """Run every step; returns kind → its newest run. Fails with the log of a step that failed."""
    from tests import tiny_diffusion, tiny_photographs  # they import torch and OpenCV

    made: dict[str, Run] = {}
    tiny_diffusion.make(settings.weights / MODEL.replace("/", "__"))
    real, intact = tiny_photographs.make(settings.storage.parent / "photographs")
    places = {"@real": str(real), "@intact": str(intact)}
    for kind, values, inputs in STEPS:
        chosen = {name: places[v] if v in PLACES else v for name, v in values.items()}
        wanted = chosen | {field: _ids(made, source) for field, source in inputs.items()}
        made[kind] = run(settings, kind, wanted)
    return made


def _ids(made: dict[str, Run], source: object) -> object:
    """A run's id; of several kinds, a list of them."""
    return made[source].id if isinstance(source, str) else [made[kind].id for kind in source]


def run(settings: Settings, kind: str, values: dict[str, object]) -> Run:
    """One job in its own process, to its end."""
    folder = jobs.submit(settings, kind, values, name=f"tiny {kind}", queued=False).folder
    jobs.start(settings, folder).wait(240)
    ended = runs.read(folder)
    assert ended.state is RunState.COMPLETED, f"{ended.error}\n{runs.log_tail(folder)}"
    return ended

"""Both flows at their smallest, as real jobs: what page, browser and flow tests look at."""

from backend import jobs, runs
from backend.records import RunState
from backend.runs import Run
from backend.settings import Settings
from backend.synthesis.stable_diffusion.settings import MODEL

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
        {"epochs": 2, "size": 64, "batch": 8, "latent_dim": 16},
        {"teacher_run": "generate"},
    ),
    ("similarity", {"pairs": 6}, {"student_run": "distill"}),
    ("dataset", {"count": 10, "labels": "centred"}, {"source_run": "distill"}),
    ("detector", {"epochs": 1, "size": 64}, {"dataset_run": "dataset"}),
    ("parts", {"scale": 0.1, "size": 64}, {}),
    ("inspect", {"folds": 2, "steps": 2, "size": 64, "dims": 8}, {"parts_run": "parts"}),
    ("export", {}, {"inspect_run": "inspect"}),
    ("latency", {"repetitions": 20}, {"export_run": "export"}),
)


def make(settings: Settings) -> dict[str, Run]:
    """Run every step; returns kind → its newest run. Fails with the log of a step that failed."""
    from tests import tiny_diffusion  # imports torch

    made: dict[str, Run] = {}
    tiny_diffusion.make(settings.weights / MODEL.replace("/", "__"))
    for kind, values, inputs in STEPS:
        wanted = values | {field: made[source].id for field, source in inputs.items()}
        made[kind] = run(settings, kind, wanted)
    return made


def run(settings: Settings, kind: str, values: dict[str, object]) -> Run:
    """One job in its own process, to its end."""
    folder = jobs.submit(settings, kind, values, name=f"tiny {kind}", queued=False).folder
    jobs.start(settings, folder).wait(240)
    ended = runs.read(folder)
    assert ended.state is RunState.COMPLETED, f"{ended.error}\n{runs.log_tail(folder)}"
    return ended

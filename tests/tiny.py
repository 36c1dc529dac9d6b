"""Both flows at their smallest, as real jobs: what page, browser and flow tests look at."""

from backend import jobs, runs
from backend.records import RunState
from backend.runs import Run
from backend.settings import Settings

STEPS = (
    ("generate", {"count": 14, "intact_share": 0.1}, {}),
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
    made: dict[str, Run] = {}
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

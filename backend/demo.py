"""The demo: both flows on the embedded defaults, small enough for some six minutes on two cores."""

from backend.experiments.plans import Plan, Step

STEPS = (
    Step("generate", "rendered glass", {"count": 150, "size": 128, "seed": 1}),
    Step("agreement", "label agreement", {"count": 20}),
    Step(
        "distill",
        "student, paper recipe",
        {"preset": "paper", "epochs": 8},
        {"teacher_run": "rendered glass"},
    ),
    Step(
        "distill",
        "student, default recipe",
        {"preset": "default", "epochs": 30, "minutes": 1.0},
        {"teacher_run": "rendered glass"},
    ),
    Step("similarity", "similarity", {}, {"student_run": "student, default recipe"}),
    Step(
        "generate", "intact glass", {"count": 40, "size": 128, "seed": 10_001, "intact_share": 0.9}
    ),
    Step(
        "dataset",
        "synthetic data set",
        {"counts": [100, 150]},
        {
            "source_runs": ("student, default recipe", "rendered glass"),
            "validation_runs": ("intact glass",),  # for the alarm rate
        },
    ),
    Step("detector", "detector", {"epochs": 8}, {"dataset_run": "synthetic data set"}),
    Step("parts", "printed parts", {"scale": 0.3}),
    Step(
        "inspect",
        "GOOD-only inspection",
        {"folds": 3, "steps": 100, "weights": "scattering"},  # one feature set: half the time
        {"parts_run": "printed parts"},
    ),
    Step("threshold", "threshold", {}, {"inspect_run": "GOOD-only inspection"}),
    Step("package", "package", {}, {"model_run": "GOOD-only inspection"}),
    Step("gate", "gate", {"variants": "int8", "units": 4, "calls": 60}, {"package_run": "package"}),
    Step("latency", "latency", {}, {"package_run": "package"}),
    Step(
        "line",
        "demo",
        {"pace": 0, "count": 200},
        {
            "parts_run": "printed parts",
            "package_run": "package",
            "threshold_run": "threshold",
        },
    ),
)
PLAN = Plan("Demo", STEPS)

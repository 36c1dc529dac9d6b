"""The inkjet paper, repeated: parts, two models, limits, export, latency."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from backend import published
from backend.core import facts, runs
from backend.deployment.latency import tables
from backend.deployment.latency.spec import Result as LatencyResult
from backend.experiments.experiment import PAPER, QUICK, Chapter, Choice, Experiment, Made
from backend.experiments.plans import Plan, Step
from backend.glossary import SEPARATION
from backend.images import pictures
from backend.inspection.model.spec import Result as ModelResult
from backend.inspection.model.spec import Spec as ModelSpec
from backend.inspection.parts.crops import read_crop, read_parts
from backend.inspection.parts.spec import Result as PartsResult
from backend.inspection.parts.spec import Spec as PartsSpec
from backend.inspection.threshold.misses import ALL, false_alarms, missed
from backend.inspection.threshold.spec import Result as ThresholdResult
from backend.plots import deployment as deployment_plots
from backend.plots import inspection as inspection_plots
from backend.records import MIN_BAD, Label, RunState
from backend.sharing.report.items import Chart, Item, Picture, Table
from backend.wording import signed, with_interval

MAKERS = {"simulator": "new: simulated prints of the eight types"}
TITLE = "Inkjet paper"
PARTS, MODEL, SUPERVISED = "parts", "model, GOOD parts alone", "model, BAD parts too"
LIMITS, PACKAGE, LATENCY = "limits", "package", "latency"
NUMBERS: dict[str, dict[str, Any]] = {
    QUICK: {"scale": 0.3, "folds": 3, "steps": 50, "repetitions": 100},
    PAPER: {"scale": 1.0, "folds": 5, "steps": 200, "repetitions": 1000},
}
STRIDES = {QUICK: "8+16", PAPER: "32"}
EDGE = 96  # px of a part in the grid
DIFFUSION = "diffusion"


def plan(choice: Choice) -> Plan:
    """Six jobs; five where the parts are there already."""
    numbers = NUMBERS[choice.numbers]
    learning = {
        "folds": numbers["folds"],
        "steps": numbers["steps"],
        "strides": STRIDES[choice.numbers],
        "seed": choice.seed,
    }
    work = numbers["scale"] * numbers["folds"]
    of_parts, of_model = {"parts_run": PARTS}, {"inspect_run": MODEL}
    repeated = {"repetitions": numbers["repetitions"]}
    promised = {"alarm_rate": published.ALARM_RATE}
    steps = (
        Step(
            *("parts", PARTS, {"scale": numbers["scale"], "seed": choice.seed}),
            work=numbers["scale"],
        ),
        Step(*("inspect", MODEL, learning | {"mode": "good-only"}, of_parts, ("mode",)), work=work),
        Step(
            *("inspect", SUPERVISED, learning | {"mode": "uses-bad"}, of_parts, ("mode",)),
            work=work,
        ),
        Step("threshold", LIMITS, promised, of_model),
        Step("package", PACKAGE, {}, {"model_run": MODEL}),
        Step("latency", LATENCY, repeated, {"package_run": PACKAGE}),
    )
    title = f"{TITLE}, {choice.numbers} numbers"
    if choice.source_run:
        return Plan(title, steps[1:], {PARTS: choice.source_run})
    return Plan(title, steps)


def choice_of(made: Made) -> Choice:
    """What was chosen for these runs; parts that are not the plan's own were there already."""
    spec = runs.spec(made[MODEL], ModelSpec) if MODEL in made else ModelSpec()
    numbers = PAPER if spec.strides == STRIDES[PAPER] else QUICK
    parts = made.get(PARTS)
    if parts is None or not parts.name.startswith(TITLE):
        return Choice(numbers, "", parts.id if parts else "", "", spec.seed)
    return Choice(numbers, "simulator", "", "", spec.seed)


def _parts(made: Made) -> Iterator[Item]:
    """A GOOD and a BAD part of each type."""
    run = made[PARTS]
    frame = read_parts(run.folder)
    result = runs.result(run, PartsResult)
    tiles = []
    for label in (Label.GOOD, Label.BAD):
        mine = frame[frame["label"] == int(label)].drop_duplicates("feature").set_index("feature")
        for name in result.features:
            path = mine["path"].get(name)
            tiles.append(read_crop(run.folder / str(path), EDGE) if path else BLANK)
    yield Picture(
        "1-parts",
        f"Parts, n = {result.n_good} GOOD, {result.n_bad} BAD",
        f"Above a GOOD, below a BAD part of each type: {', '.join(result.features)}.",
        pictures.sheet(tiles, len(result.features), 4),
    )


BLANK = np.full((EDGE, EDGE, 3), 255, np.uint8)


def _auroc(made: Made) -> Iterator[Item]:
    """AUROC per type of both models, the published figures drawn in."""
    told = {
        MODEL: "No BAD part took part in training or calibration, as the paper's text has it.",
        SUPERVISED: "The diffusion learned from BAD parts too, as the paper's public code does. "
        "Not to be mixed with the figure before.",
    }
    for place, (name, words) in enumerate(told.items(), start=2):
        rows = facts.read(made[name].folder, "auroc")
        yield Chart(
            f"{place}-auroc-{place - 1}",
            f"Separation per feature type: {name}",
            f"{words} {SEPARATION.words[0].upper()}{SEPARATION.words[1:]}. Pale bars: fewer "
            f"than {MIN_BAD} BAD parts. White marks: the paper's figures "
            "for its own parts; its method column mixes two ways to split the parts.",
            inspection_plots.auroc_bars(rows, published.AUROC),
            rows,
        )


def _compared(made: Made) -> Iterator[Item]:
    """The diffusion less the best baseline on the same folds."""
    rows = facts.read(made[MODEL].folder, "comparisons")
    mine = rows[rows["method"] == DIFFUSION]
    if len(mine):
        yield Chart(
            "4-differences",
            "What the diffusion adds to the best baseline",
            "Same parts, same test rounds, GOOD parts alone. First p: DeLong over all rounds; "
            "second: Nadeau and Bengio over the rounds; both after Holm.",
            inspection_plots.forest(mine),
            mine,
        )


def _table(made: Made) -> Iterator[Item]:
    """AUROC per feature type, ours beside the paper's."""
    of_good, of_both = (facts.read(made[n].folder, "auroc") for n in (MODEL, SUPERVISED))
    baseline = runs.result(made[MODEL], ModelResult).baseline
    columns = {
        f"ours: {baseline}, GOOD alone": of_good[of_good["method"] == baseline],
        "ours: diffusion, GOOD alone": of_good[of_good["method"] == DIFFUSION],
        "ours: diffusion, BAD too": of_both[of_both["method"] == DIFFUSION],
    }
    first = next(iter(columns.values()))
    rows = [_row(str(feature), columns) for feature in first["feature"]]
    yield Table(
        "5-auroc-table",
        "Separation per feature type beside the paper's",
        f"{SEPARATION.meaning}. 95 % intervals in brackets (DeLong); n: GOOD/BAD parts. A type "
        "with fewer than "
        f"{MIN_BAD} BAD parts is unreliable. The paper gives neither n nor intervals; its parts "
        "are other parts, so no difference between its columns and ours is a test of anything.",
        pd.DataFrame([*rows, _overall(made, baseline)]),
    )


def _row(feature: str, columns: dict[str, pd.DataFrame]) -> dict[str, str]:
    theirs = published.AUROC.get(feature)
    mine = {name: frame[frame["feature"] == feature] for name, frame in columns.items()}
    first = next(iter(mine.values())).iloc[0]
    few = "" if first["reliable"] else " (few BAD)"
    return {
        "feature": f"{feature}{few}",
        "n": f"{first['n_good']}/{first['n_bad']}",
        "paper: baseline": f"{theirs[0]:.3f}" if theirs else "–",
        "paper: method": f"{theirs[1]:.3f}" if theirs else "–",
        **{
            name: with_interval(*frame.iloc[0][["auroc", "low", "high"]]) if len(frame) else "–"
            for name, frame in mine.items()
        },
    }


def _overall(made: Made, baseline: str) -> dict[str, str]:
    """The row of the means over types."""
    result = runs.result(made[MODEL], ModelResult)
    theirs = published.OVERALL_AUROC
    return {
        "feature": "mean",
        "n": f"{result.n_good}/{result.n_bad}",
        "paper: baseline": f"{theirs[0]:.3f}",
        "paper: method": f"{theirs[1]:.3f}",
        f"ours: {baseline}, GOOD alone": _mean(made, MODEL, baseline),
        "ours: diffusion, GOOD alone": _mean(made, MODEL, DIFFUSION),
        "ours: diffusion, BAD too": _mean(made, SUPERVISED, DIFFUSION),
    }


def _mean(made: Made, name: str, subject: str) -> str:
    """Mean AUROC, or a difference of two, with its interval."""
    figures = facts.by_name(facts.read(made[name].folder, "figures"))
    found = [figure for (of, _), figure in figures.items() if of == subject]
    return with_interval(found[0].value, found[0].low, found[0].high) if found else "–"


def _alerts(made: Made) -> Iterator[Item]:
    """What the limits do with the known parts, per type."""
    run = made[LIMITS]
    rate = runs.result(run, ThresholdResult).alarm_rate
    alarms = {one.subject: one for one in false_alarms(run.folder)}
    lost = {one.subject: one for one in missed(run.folder)}
    rows = [
        {
            "feature": str(row.feature),
            "GOOD parts": str(row.n_good),
            "BAD above": f"{row.alarm_limit:.2f}" if row.enough else "no limit: too few GOOD parts",
            "false alarms": _share(alarms.get(str(row.feature))),
            "BAD missed": _share(lost.get(str(row.feature))),
        }
        for row in facts.read(run.folder, "thresholds").itertuples()
    ]
    total = {"feature": ALL, "GOOD parts": "", "BAD above": ""}
    total |= {"false alarms": _share(alarms.get(ALL)), "BAD missed": _share(lost.get(ALL))}
    yield Table(
        "6-alerts",
        f"Alerts: limits that promise at most {rate:.0%} false alarms",
        "Limits from scores of GOOD parts never learned from (split conformal); counts on the "
        "known "
        "parts, 95 % intervals over groups. The paper sets its limit at a false-positive rate "
        "under 5 % and gives no counts.",
        pd.DataFrame([*rows, total]),
    )


def _share(one: Any) -> str:
    return f"{one.count}, {one.share}" if one else "–"


def _latency(made: Made) -> Iterator[Item]:
    rows = tables.plain(facts.read(made[LATENCY].folder, "latencies"))
    result = runs.result(made[LATENCY], LatencyResult)
    yield Chart(
        "7-latency",
        "Latency",
        f"{result.variant} on {result.cpu}, from the bytes of a picture to the verdict. "
        f"The paper's budget, {published.LATENCY_MS:.0f} ms, is for a Jetson AGX. {result.busy}",
        deployment_plots.latency_ecdf(
            rows.assign(run="this repeat"), published.LATENCY_MS, bool(result.busy)
        ),
        rows,
    )


def _summary(made: Made) -> Iterator[Item]:
    """The paper's headline figures beside this repeat's."""
    model = runs.result(made[MODEL], ModelResult)
    baseline = model.baseline
    latency = runs.result(made[LATENCY], LatencyResult)
    limits = runs.result(made[LIMITS], ThresholdResult)
    alarms = next(iter(false_alarms(made[LIMITS].folder)), None)
    lost = next(iter(missed(made[LIMITS].folder)), None)
    theirs = published.OVERALL_AUROC
    gain = f"{DIFFUSION} − {baseline}"
    rows = (
        (
            f"mean {SEPARATION.short}, baseline",
            f"{theirs[0]:.3f}",
            _mean(made, MODEL, baseline),
            baseline,
        ),
        (
            f"mean {SEPARATION.short}, method, GOOD alone",
            "not given",
            _mean(made, MODEL, DIFFUSION),
            "diffusion",
        ),
        (
            f"mean {SEPARATION.short}, method, BAD too",
            f"{theirs[1]:.3f}",
            _mean(made, SUPERVISED, DIFFUSION),
            "diffusion",
        ),
        (
            "method less baseline",
            f"{signed(theirs[1] - theirs[0])}, not significant",
            _mean(made, MODEL, gain),
            "GOOD alone, paired in the same test rounds",
        ),
        (
            "false alarms",
            f"under {published.ALARM_RATE:.0%}",
            _share(alarms),
            f"promised: at most {limits.alarm_rate:.0%}, {len(limits.ready)} types with a limit",
        ),
        ("BAD parts missed", "not given", _share(lost), "called GOOD"),
        (
            "time a part",
            f"about {published.PART_MS:.0f} ms of {published.LATENCY_MS:.0f} ms",
            f"{latency.p50:.1f} ms, 95 % within {latency.p95:.1f} ms",
            "the paper's on a Jetson AGX, ours on this computer: not the same thing",
        ),
    )
    yield Table(
        "8-summary",
        "The paper's figures beside this repeat's",
        "95 % intervals in brackets. The paper's parts are not to be had by everybody, so these "
        "are figures of other parts: they show whether the way works, not whether the paper is "
        "right.",
        pd.DataFrame(rows, columns=["figure", "paper", "this repeat", "remark"]),
    )


def differences(made: Made) -> Iterator[str]:
    """What of these runs is not as in the paper."""
    if PARTS in made:
        yield from _of_parts(made)
    if MODEL in made and made[MODEL].state is RunState.COMPLETED:
        result, spec = runs.result(made[MODEL], ModelResult), runs.spec(made[MODEL], ModelSpec)
        yield f"Features: {result.backbone}. In the paper, layer 10 of a YOLOv8s (stride 32)."
        if spec.strides != "32":
            yield f"Strides {spec.strides} where a YOLO gives the features; in the paper 32 alone."
    yield (
        "Scores use fixed noise levels and a stored noise bank, so that a part has the same score "
        "each time; the paper's code draws 50 to 100 at random. They are z-scored on GOOD parts."
    )
    yield "The same test rounds serve every method; the paper's columns mix two ways to split."
    yield "FP32 on this computer's processor; the paper deployed on a Jetson AGX."


def _of_parts(made: Made) -> Iterator[str]:
    run = made[PARTS]
    if runs.spec(run, PartsSpec).source == "simulator":
        yield "The parts are simulated prints; the paper's are real ones, 20 to 30 % of them BAD."
    if run.state is RunState.COMPLETED:
        result = runs.result(run, PartsResult)
        if result.n != published.PARTS:
            yield f"{result.n} parts ({result.n_bad} BAD); in the paper {published.PARTS:,}."


EXPERIMENT = Experiment(
    verb="inkjet",
    title="Repeat the inkjet paper",
    source=published.INKJET_PAPER,
    source_kinds=("parts",),
    makers=MAKERS,
    holds=lambda run: runs.result(run, PartsResult).n or 0,
    takes_test_set=False,
    plan=plan,
    choice=choice_of,
    chapters=(
        Chapter("Parts", (PARTS,), _parts),
        Chapter("Separation per feature type", (MODEL, SUPERVISED), _auroc),
        Chapter("Differences", (MODEL,), _compared),
        Chapter("Separation, table", (MODEL, SUPERVISED), _table),
        Chapter("Alerts", (LIMITS,), _alerts),
        Chapter("Latency", (LATENCY,), _latency),
        Chapter("Summary", (MODEL, SUPERVISED, LIMITS, LATENCY), _summary),
    ),
    differences=differences,
)

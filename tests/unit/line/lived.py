"""A line with its files, as its process leaves them: a package, its limits, their calibration, and
parts that came by. Made in tenths of a second."""

from contextlib import closing, contextmanager
from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image

from backend.core import facts, runs
from backend.inspection.threshold import versions
from backend.line import control, report, segments
from backend.line.control import Wish
from backend.line.judge import PackageJudge
from backend.line.outbox import Outbox
from backend.line.part import Captured
from backend.line.pictures import Limits, Pictures
from tests.unit.line import packages

NAME, TYPES = "press-3", packages.TYPES
LIMITS = (2.0, 1.0)  # BAD above, GOOD up to


def picture(shade, rng, size=packages.SIZE):
    """A part of about that brightness, which is its score: (shade - 100) / 10."""
    grain = rng.normal(0, 3, (size, size, 1)).repeat(3, 2)
    return np.clip(shade + grain - grain.mean(), 0, 255).astype(np.uint8)


def model_and_limits(root, n=60, version=1):
    """An anomaly model with `n` GOOD parts a type that were scored, and a threshold on them."""
    rng = np.random.default_rng(0)
    parts = runs.create(root, "parts", {"scale": 0.02})
    rows, scores = [], []
    (parts.folder / "artifacts").mkdir()
    for k in range(n * len(TYPES)):
        shade, feature = float(rng.normal(100, 4)), TYPES[k % len(TYPES)]
        path = f"artifacts/{k}.png"
        Image.fromarray(picture(shade, rng)).save(parts.folder / path)
        row = {"part": f"p{k:03d}", "feature": feature, "label": 1}
        rows.append(row | {"path": path, "group": f"g{k}"})
        score = {"method": "diffusion", "repeat": 0, "fold": 0, "score": (shade - 100) / 10}
        scores.append(row | score)
    facts.write(parts.folder, "parts", rows)
    packages.ended(parts)
    model = runs.create(root, "inspect", {"parts_run": parts.id})
    facts.write(model.folder, "scores", scores)
    packages.ended(model)
    limits = packages.threshold_run(root, model.id, dict.fromkeys(TYPES, LIMITS))
    assert versions.claim(model.folder, limits.id) == version
    file = limits.folder / "artifacts" / "thresholds.json"
    runs.write_json(file, runs.read_json(file) | {"version": version, "alarm_rate": 0.05})
    return model, limits


def line(storage, blind=1.0):
    """The home of a line that goes by such a model and limits, and its wish."""
    model, limits = model_and_limits(storage.runs)
    package = packages.package_run(storage.runs)
    head = package.folder / "artifacts" / "package" / "package.json"
    runs.write_json(head, runs.read_json(head) | {"model_run": model.id})
    spec = {"package_run": package.id, "threshold_run": limits.id, "blind_share": blind}
    spec |= {"repeat_share": 0.0}
    run = runs.create(storage.runs, "line", spec, name=NAME)
    home = report.home(storage.storage, NAME)
    home.mkdir(parents=True)
    wish = Wish(run.id, package.id, limits.id)
    control.current(home, wish)
    return home, wish


def judge_of(home, wish):
    folder = control.runs_of(home) / wish.package_run / "artifacts" / "package"
    return PackageJudge(folder, "", 1, control.limits_file(home, wish), "")


@contextmanager
def opened(home):
    with closing(Outbox(home, segments.cut_upto(home) + 1)) as box:
        kept = home / "epoch"
        epoch = int(kept.read_text()) + 1 if kept.exists() else 1
        kept.write_text(str(epoch))
        box.begin(epoch, "lost")
        yield box


def run_by(home, box, judge, shades, blind=1.0, seed=1, captured=0.0, size=packages.SIZE):
    """Parts of these shades come by, of each type in turn; as the engine does with them."""
    rng = np.random.default_rng(seed)
    kept = Pictures(home, home.name, Limits(0.0, 10**9, 10**6, blind))
    found = []
    for k, shade in enumerate(shades):
        target = BytesIO()
        Image.fromarray(picture(shade, rng, size)).save(target, "PNG")
        feature = TYPES[k % len(TYPES)]
        found.append(Captured(target.getvalue(), feature, captured + k, f"s{k:04d}"))
    judged = []
    for part in box.accept(found):
        looked = judge.look(part.captured)
        said = looked.said
        path = kept.keep(part, said.verdict, looked.anomaly_map)
        drawn = kept.blind(part, said.verdict)
        judged.append((part, replace(said, ms=5.0, picture=path, blind=drawn)))
    box.judge(judged)
    return judged

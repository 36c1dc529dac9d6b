"""What every page costs in a large store: processor seconds and bytes to the browser.

The smallest runs of every kind (`pages.gather`), then copies of them under other ids, names and
dates, their bulky files shared by hard links, and beside them one set of 100,000 images, one of as
many parts, and anomaly models with a million scores each.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks import pages

SIZES = ((1_000, 1_000_000), (10_000, 5_000_000))  # runs, rows of scores
IMAGES = 100_000
MODEL_ROWS = 1_000_000  # scores of one anomaly model
IDLE_TICKS = 40  # 20 s of a server that nobody looks at


def large_store(folder: Path) -> None:
    """Processor seconds (aims: 0.10 as given, 0.15 at 1,000 runs, 100,000 images and 1,000,000
    scores; 0.5 at 10,000 runs and 5,000,000 scores) and kB of every page, at three sizes."""
    place = folder / "large"
    pages.gather(place)
    found = [pages.measured(place)]
    for runs, rows in SIZES:
        grow(place, runs, rows)
        opened(place)
        found.append(pages.measured(place))
    for path in sorted(found[0], key=lambda one: -found[-1][one].seconds):
        words = "".join(f"{at[path].seconds:8.3f} s{at[path].bytes / 1e3:7.0f} kB" for at in found)
        print(f"  {path:<36}{words}")
    for path, words, work in (*_searches(), ("idle", "a minute of nobody there", _idle)):
        print(f"  {path:<10}{words:<40}{work():8.3f} s")


def grow(place: Path, runs: int, rows: int) -> None:
    """Let a storage folder have so many runs and rows of scores."""
    home = place / "runs"
    there = sorted(path.name for path in home.iterdir())
    first = [name for name in there if not (home / name / "copy").exists()]
    if not any((home / name / "large").exists() for name in there):
        many_images(home, IMAGES)
        many_scores(home, IMAGES, MODEL_ROWS)
    first = [name for name in first if not (home / name / "large").exists()]
    models = sum((home / name / "large").exists() and "-inspect-" in name for name in there) or 1
    for _ in range(rows // MODEL_ROWS - models):
        many_scores(home, IMAGES, MODEL_ROWS)
    missing = runs - len(list(home.iterdir()))
    begun = len(there) // len(first)
    for number in range(begun, begun + -(-missing // len(first))):
        copied(home, first, number)


def copied(home: Path, names: list[str], number: int) -> None:
    """The same runs once more, so many hours earlier, under ids and names of their own."""
    ago = timedelta(hours=number)
    new = {name: _earlier(name, ago) for name in names}
    for old in names:
        target = home / f".{new[old]}"
        shutil.copytree(home / old, target, copy_function=os.link)
        for path in target.glob("*.json"):
            text = path.read_text(encoding="utf-8")
            for one, other in new.items():
                text = text.replace(one, other)
            path.unlink()
            path.write_text(text, encoding="utf-8")
        head = json.loads((target / "spec.json").read_text(encoding="utf-8"))
        head["name"] = head["name"] if head["kind"] == "line" else f"{head['name']} {number}"
        head["created"] = (pd.Timestamp(head["created"]) - ago).isoformat()
        (target / "spec.json").write_text(json.dumps(head), encoding="utf-8")
        (target / "copy").touch()
        target.rename(home / new[old])


def many_images(home: Path, count: int) -> str:
    """The newest rendered images as a set of so many, each a hard link of one of them."""
    old, new = _beside(home, "generate")
    images, boxes = _facts(old, "images"), _facts(old, "boxes")
    names = pd.Series([f"{k:06d}" for k in range(count)])
    rows = images.iloc[np.arange(count) % len(images)].reset_index(drop=True)
    drawn = rows[["image"]].assign(new=names).merge(boxes, on="image")
    paths = "artifacts/images/" + names + ".png"
    _link(old, new, rows["path"], paths)
    _write(new, "images", rows.assign(image=names, group=names, path=paths))
    _write(new, "boxes", drawn.assign(image=drawn["new"]).drop(columns="new"))
    return _done(new, {"images": count, "boxes": len(drawn)})


def many_scores(home: Path, parts: int, rows: int) -> None:
    """Parts, so many; an anomaly model with so many scores of them; and limits on that."""
    old, new = _beside(home, "parts")
    table, checks = _facts(old, "parts"), _facts(old, "part_checks")
    take = np.arange(parts) % len(table)
    names = pd.Series([f"{k:06d}-{name}" for k, name in enumerate(table["feature"].iloc[take])])
    groups = pd.Series([f"component-{k // 4:06d}" for k in range(parts)])
    many = table.iloc[take].reset_index(drop=True)
    paths = "artifacts/crops/" + names + ".png"
    _link(old, new, many["path"], paths)
    changed = {"part": names, "group": groups, "given_group": groups, "path": paths}
    _write(new, "parts", many.assign(**changed))
    _write(new, "part_checks", checks.iloc[take].reset_index(drop=True).assign(part=names))
    replaced = {old.name: _done(new, {"n": parts})}
    old, new = _beside(home, "inspect", replaced)
    scores = _facts(old, "scores")
    each = rows // parts
    picked = scores[scores["repeat"] == 0].set_index("part")
    methods = list(picked["method"].unique())
    takes = [(methods[k % len(methods)], k // len(methods)) for k in range(each)]
    noise = np.random.default_rng(0)
    of_part = {m: rows.loc[table["part"].iloc[take]] for m, rows in picked.groupby("method")}
    told = [of_part[method].assign(part=names.array, repeat=repeat) for method, repeat in takes]
    scored = pd.concat(told, ignore_index=True)
    _write(new, "scores", scored.assign(score=scored["score"] + noise.random(len(scored))))
    replaced[old.name] = _done(new, {"n": parts})
    old, new = _beside(home, "threshold", replaced)
    kept = picked[picked["method"] == methods[0]].loc[table["part"].iloc[take]]
    calibration = kept.reset_index(drop=True).assign(part=names, group=groups)
    path = new / "artifacts" / "calibration.csv"
    path.unlink()
    calibration[["part", "feature", "label", "score", "group"]].to_csv(path, index=False)
    _done(new, {})


def _beside(home: Path, kind: str, replaced: Mapping[str, str] | None = None) -> tuple[Path, Path]:
    """The newest ordinary run of a kind, and a copy of it, half made, that is newer than all."""
    there = (p for p in home.iterdir() if f"-{kind}-" in p.name and not (p / "copy").exists())
    old = max(p for p in there if not (p / "large").exists())
    new = home / f".{_earlier(old.name, timedelta(hours=-1))}"
    shutil.copytree(old, new, copy_function=os.link)
    spec = (new / "spec.json").read_text(encoding="utf-8")
    for one, other in (replaced or {}).items():
        spec = spec.replace(one, other)
    (new / "spec.json").unlink()
    (new / "spec.json").write_text(spec.replace('"tiny ', '"large '), encoding="utf-8")
    return old, new


def _done(new: Path, result: Mapping[str, Any]) -> str:
    """Put these into its result, and let it be a run; its id."""
    path = new / "result.json"
    outcome = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    path.write_text(json.dumps(outcome | {"result": outcome["result"] | dict(result)}))
    (new / "large").touch()
    return new.rename(new.with_name(new.name[1:])).name


def _earlier(run_id: str, ago: timedelta) -> str:
    when = pd.Timestamp(run_id[:15]) - ago
    return f"{when:%Y%m%dT%H%M%S}{run_id[15:-6]}{secrets.token_hex(3)}"


def _facts(folder: Path, table: str) -> pd.DataFrame:
    return pd.read_parquet(folder / "facts" / f"{table}.parquet")


def _write(folder: Path, table: str, rows: pd.DataFrame) -> None:
    path = folder / "facts" / f"{table}.parquet"
    path.unlink(missing_ok=True)  # a hard link of the old one
    rows.to_parquet(path, index=False)


def _link(old: Path, new: Path, sources: pd.Series, targets: pd.Series) -> None:
    for source, target in zip(sources, targets, strict=True):
        if not (new / target).exists():
            os.link(old / source, new / target)


def opened(place: Path) -> None:
    """Index what is new; what that and the first page of a new server cost."""
    start = time.process_time()
    pages.open_dashboard(place)
    print(f"  taken in: {time.process_time() - start:.1f} s of processor time")


def _searches() -> list[tuple[str, str, Callable[[], float]]]:
    """Words on the page Runs, a letter more at each run."""
    words = "tiny distill 12"
    return [("search", words, lambda: _typed(words))]


def _typed(words: str) -> float:
    """Processor seconds of the dearest letter."""
    app = pages.app("pages/system/runs.py")
    taken = []
    for end in range(1, len(words) + 1):
        start = time.process_time()
        app.text_input(key="q").set_value(words[:end]).run()
        taken.append(time.process_time() - start)
    return max(taken)


def _idle() -> float:
    """Processor seconds a minute of the supervisor."""
    from pages.ui import resources

    owner = resources.owner()
    owner.stop()
    start = time.process_time()
    for _ in range(IDLE_TICKS):
        owner.tick()
    return (time.process_time() - start) * 60 / (IDLE_TICKS * owner.interval)

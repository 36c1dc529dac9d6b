"""A gate in a report: may a package go on the line of this computer?"""

from collections.abc import Iterator

import pandas as pd

from backend import glossary
from backend.core import runs
from backend.core.runs import Run
from backend.deployment.gate.spec import Result
from backend.sharing.report import general, tiles
from backend.sharing.report.items import Item, Picture, Table

SHOWN = 24  # pictures whose verdict turned
PASSED = {True: "kept", False: "refused", None: "for information"}


def said(run: Run) -> Iterator[str]:
    """The verdict, and on which computer it holds."""
    result = runs.result(run, Result)
    yield result.verdict
    machine = result.described
    yield (
        f"Judged on {result.judged} pictures. It holds on this computer alone: {machine.cpu}, "
        f"{machine.cores} cores, ONNX Runtime {machine.onnxruntime}, fingerprint {machine.id}."
    )


def items(run: Run) -> Iterator[Item]:
    """Each check of each variant, and the verdicts that turned."""
    checks, turned = general.rows(run, "gate_checks"), general.rows(run, "gate_items")
    yield Table("1-variants", "Variants", "", _variants(runs.result(run, Result)))
    triples = checks[["value", "low", "high"]].itertuples(index=False, name=None)
    frame = pd.DataFrame(
        {
            "variant": checks["variant"],
            "check": [glossary.said(str(name)) for name in checks["name"]],
            "outcome": [PASSED[None if pd.isna(p) else bool(p)] for p in checks["passed"]],
            "value [95 % interval]": [general.figure(*triple) for triple in triples],
            "limit": [general.figure(v) for v in checks["limit_value"]],
            "n": ["–" if pd.isna(n) else f"{int(n):,}" for n in checks["n"]],
            "in words": [glossary.said(str(words)) for words in checks["words"]],
        }
    )
    yield Table("2-checks", "What was looked at", general.LIKE, frame)
    rows = turned[turned["flipped"].fillna(False).astype(bool)]
    paths = (run.folder.parent / str(path) for path in rows["path"].head(SHOWN))
    sheet = tiles.sheet(paths)
    if sheet is not None:
        words = f"{len(rows)} of {len(turned)} verdicts differ from those of full precision."
        yield Picture("3-turned", "Pictures whose verdict turned", words, sheet)


def _variants(result: Result) -> pd.DataFrame:
    named = [*((one, "may go on the line") for one in result.passed)]
    named += [(one, "refused") for one in result.refused]
    hashes = [result.files.get(one, "–") for one, _ in named]
    frame = pd.DataFrame(named, columns=["variant", "outcome"])
    return frame.assign(**{"SHA-256 of its file": hashes})


def limits(run: Run) -> Iterator[str]:
    """What the verdict rests on."""
    result = runs.result(run, Result)
    if result.busy:
        yield result.busy
    yield "On another computer, or with another library version, this verdict is void: judge anew."

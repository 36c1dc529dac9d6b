"""The package and limits that a line goes by."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.core import runs
from backend.deployment.package import contract
from backend.inspection.threshold import active
from backend.line import control
from backend.line.control import Wish
from backend.line.spec import Spec


@dataclass(frozen=True)
class InUse:
    """package_run, line_run: ids. threshold_run: whose limits count, "" where there are none.
    version: of the limits, 0 without. alarm_rate: share of GOOD parts that they promise to raise at
    most, None without a promise. model_run: the anomaly model. size: edge of its crops, px.
    feature: of parts whose source does not tell. strange: share of parts that may be BAD."""

    line_run: str
    package_run: str
    threshold_run: str
    version: int
    alarm_rate: float | None
    model_run: str
    size: int
    feature: str
    strange: float

    @property
    def key(self) -> str:
        """What scores, and what they are held against."""
        return f"{self.package_run} {self.threshold_run}"


def of(home: Path, asked: Wish | None = None) -> InUse | None:
    """What a line goes by, or was asked to; None before its first start. Raises UserError where
    its runs are gone."""
    asked = asked or control.wish(home)
    if asked is None:
        return None
    folder = control.runs_of(home)
    head: dict[str, Any] = runs.read_json(
        contract.folder_of(runs.named(folder, asked.package_run)) / contract.HEAD
    )
    told = head.get("threshold") or {}
    threshold = asked.threshold_run or str(told.get("run", ""))
    spec = runs.spec(runs.read(runs.named(folder, asked.run)), Spec)
    names = head.get("feature_types", [])
    kept = _limits(folder / threshold / active.FILE) if threshold else {}
    return InUse(
        asked.run,
        asked.package_run,
        threshold if kept else "",
        int(kept.get("version", told.get("version", 0))),
        kept.get("alarm_rate"),
        str(head.get("model_run", "")),
        int(head["size"]),
        spec.feature or (str(names[0]) if len(names) == 1 else ""),
        spec.bad_share,
    )


def _limits(file: Path) -> dict[str, Any]:
    """thresholds.json, {} where it is gone. Raises Shortage where it is archived elsewhere."""
    return runs.read_json(file) if runs.holds(file) else {}

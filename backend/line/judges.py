"""The judge that a line's settings ask for. Needs onnxruntime."""

import json
from dataclasses import asdict
from pathlib import Path

from backend.deployment.package import contract
from backend.line import box_judge, control, variant
from backend.line.control import Wish
from backend.line.judge import PackageJudge, Setting
from backend.line.spec import Spec


def of(home: Path, spec: Spec, asked: Wish) -> PackageJudge:
    """Raises UserError where it cannot be made."""
    folder = contract.folder_of(control.runs_of(home) / asked.package_run)
    file = control.limits_file(home, asked) if asked.threshold_run else None
    more = Setting(
        variant.of(home.parent.parent, asked.package_run),
        home,
        spec.bits,
        spec.box,
        spec.box_review,
    )
    config = json.dumps(asdict(spec))
    return box_judge.made(folder, spec.feature, spec.threads, file, config, more)

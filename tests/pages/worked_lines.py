"""A line that was at work in a storage folder, made in milliseconds: no process, a real judge."""

import time
from contextlib import closing

from backend.core import runs
from backend.deployment.package import contract
from backend.line import report, segments
from backend.line.control import Wish, current
from backend.line.judge import PackageJudge
from backend.line.keeper import STATUS
from backend.line.outbox import Outbox
from backend.line.part import Captured
from backend.line.pictures import Limits, Pictures
from tests.unit.line.packages import TYPES, packed

NAME = "press-3"
SHIFT = 8 * 3600


def worked(storage, count=24):
    """The run of a line that judged so many parts, all in one shift, and its folder."""
    parts, package = packed(storage.runs)
    run = runs.create(storage.runs, "line", {"package_run": package.id}, name=NAME)
    home = report.home(storage.storage, NAME)
    judge = PackageJudge(contract.folder_of(package.folder), "", 1)
    began = time.time() // SHIFT * SHIFT
    with closing(Outbox(home)) as outbox:
        outbox.begin(1, "lost")
        pictures = Pictures(home, NAME, Limits(1.0, 10**8, 10**4))
        found = []
        for k in range(count):
            picture = (parts.folder / f"artifacts/{k % 8}.png").read_bytes()
            found.append(Captured(picture, TYPES[k % 2], began + k, f"s{k}"))
        for part in outbox.accept(found):
            looked = judge.look(part.captured)
            kept = pictures.keep(part, looked.said.verdict, looked.anomaly_map)
            outbox.judge([(part, type(looked.said)(**vars(looked.said) | {"picture": kept}))])
        segments.cut(home, outbox)
    current(home, Wish(run.id, package.id))
    about = {"name": NAME, "run": run.id, "epoch": 1, "time": time.time(), "began": began}
    runs.write_json(home / STATUS, about | judge.versions | {"ended": True})
    return run, home

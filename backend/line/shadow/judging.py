"""The candidate's own process: `python -m backend.line.shadow.judging LINE CANDIDATE SPEC`, the
last two in JSON.

Parts come through stdin; for each, a line with the ms it took goes to stdout. It has a lower
priority than its line, ends when the pipe does, and keeps the pictures where the verdicts differ.
"""

import json
import os
import queue
import sys
import threading
import time
from pathlib import Path

import pandas as pd

from backend.core import results
from backend.line import judges, segments
from backend.line.control import Wish
from backend.line.judge import PackageJudge
from backend.line.part import Captured, Part, Verdict
from backend.line.pictures import Limits, Pictures
from backend.line.shadow import candidate
from backend.line.shadow.candidate import Candidate
from backend.line.shadow.handing import Handed, unpacked
from backend.line.spec import Spec
from backend.records import UserError

NICE = 10
FLUSH_SECONDS, ROWS = 5.0, 5_000
MOST = Limits(share=0.0, bytes=200_000_000, files=2_000)  # of pictures of differing verdicts
MISTAKE = 2  # exit code: what was asked for cannot be done


class Judging:
    """Judges what it is handed, and writes it down now and then."""

    def __init__(self, line: Path, judge: PackageJudge) -> None:
        self._home, self._judge = candidate.home_of(line), judge
        segments.leftovers(self._home)
        self._pictures = Pictures(self._home, line.name, MOST)
        self._rows: list[dict[str, object]] = []
        self._due = time.monotonic() + FLUSH_SECONDS

    def judge(self, head: Handed, one: Captured) -> float:
        """Note what the candidate says of a part; how long that took, ms."""
        began = time.perf_counter()
        looked = self._judge.look(one)
        ms = (time.perf_counter() - began) * 1000
        said, picture = looked.said, head.picture
        if said.verdict.value != head.active and not picture:
            part = Part(head.id, head.epoch, head.sequence, one, 0.0)
            kept = self._pictures.keep(part, Verdict.REVIEW, looked.anomaly_map, looked.boxes)
            picture = f"{candidate.FOLDER}/{kept}" if kept else ""
        self._rows.append(
            {
                **{"id": head.id, "epoch": head.epoch, "sequence": head.sequence},
                **{"serial": head.serial, "feature": head.feature, "captured": head.captured},
                **{"judged": time.time(), "verdict": said.verdict.value, "reason": said.reason},
                **{"score": said.score, "ms": ms, "package": said.package},
                **{"thresholds": said.thresholds, "config": said.config, "picture": picture},
                **{"active": head.active, "active_score": head.active_score},
            }
        )
        return ms

    def tick(self) -> None:
        if len(self._rows) >= ROWS or time.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Write what was judged since the last time."""
        self._due = time.monotonic() + FLUSH_SECONDS
        if self._rows:
            segments.write(self._home, pd.DataFrame(self._rows))
            self._rows = []
            segments.melt(self._home)
        self._pictures.tidy()


def _take_in(parts: "queue.Queue[tuple[Handed, Captured] | None]") -> None:
    while found := unpacked(sys.stdin.buffer):
        parts.put(found)
    parts.put(None)


def main(line: Path, asked: Candidate, spec: Spec) -> None:
    """Judge until the pipe ends. Raises UserError where the candidate cannot judge here."""
    os.nice(NICE)
    judge = judges.of(line, spec, Wish(asked.run, asked.package_run, asked.threshold_run))
    if words := judge.drift():
        raise UserError(words)
    judging = Judging(line, judge)
    parts: queue.Queue[tuple[Handed, Captured] | None] = queue.Queue(1)
    threading.Thread(target=_take_in, args=(parts,), daemon=True).start()
    while True:
        try:
            found = parts.get(timeout=1.0)
        except queue.Empty:
            judging.tick()
            continue
        if found is None:
            break
        print(f"{judging.judge(*found):.3f}", flush=True)
        judging.tick()
    judging.flush()


if __name__ == "__main__":
    try:
        wanted, settings = map(json.loads, sys.argv[2:4])
        main(
            Path(sys.argv[1]),
            results.from_json(Candidate, wanted),
            results.from_json(Spec, settings),
        )
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(MISTAKE)

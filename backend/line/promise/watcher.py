"""Counts each judged part against the parts that the limits rest on, in the line's own process."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from backend.line.control import Wish
from backend.line.outbox import Outbox, Row
from backend.line.promise import in_use, reference, standing
from backend.line.promise.in_use import InUse
from backend.line.promise.standing import Standing, Stream
from backend.numeric import drift
from backend.numeric.drift import Reference, Wealth
from backend.records import UserError

AT_ONCE = 5_000  # rows
HISTORY_SECONDS = 3600.0
Streams = dict[str, dict[str, Stream]]  # feature type → quantity → stream


class Watcher:
    """The promise of a line that runs. `standing` tells how it stands."""

    def __init__(self, home: Path, outbox: Outbox) -> None:
        self.home, self.outbox = home, outbox
        self.standing = Standing()
        self._references: dict[str, dict[str, Reference]] = {}
        self._in_use: InUse | None = None
        self._package, self._next_line = "", 0.0

    def follow(self, asked: Wish, package: str) -> None:
        """Hold what comes against the parts that these limits rest on. package: hash of its model,
        by which other packages' rows are passed over."""
        self._package, self._references = package, {}
        try:
            self._in_use = in_use.of(self.home, asked)
            if self._in_use is None:
                return
            found = reference.parts(self.home, self._in_use)
        except (UserError, KeyError) as error:
            upto = self.outbox.last()
            self.standing = Standing(
                upto=upto, since=time.time(), words=f"The promise is not watched. {error}"
            )
        else:
            self._references = reference.references(found, self._in_use.strange)
            counts = found["feature"].value_counts()
            self._take_up(self._in_use.key, {str(name): int(n) for name, n in counts.items()})
        standing.write(self.home, self.standing)

    def _take_up(self, key: str, counts: dict[str, int]) -> None:
        """Go on where an earlier start was, or begin with the next part."""
        before, streams = _read(self.home), self._streams()
        if before is not None and before.key == key:
            self.standing = replace(before, streams=_taken_up(before.streams, streams))
            return
        short = {name: n for name, n in counts.items() if name not in streams}
        words = "" if streams else f"No type has {drift.LEAST} GOOD parts behind its limits."
        self.standing = Standing(key, self.outbox.last(), time.time(), streams, short, words)

    def _streams(self) -> dict[str, dict[str, Stream]]:
        """A stream of nothing yet for each quantity of each type that can be watched."""
        return {
            feature: {name: Stream(Wealth()) for name in mine}
            for feature, mine in self._references.items()
            if reference.SCORE in mine
        }

    @property
    def suspended(self) -> frozenset[str]:
        return frozenset(self.standing.suspended)

    def look(self) -> None:
        """Count what was judged since, and keep how it stands. Raises OSError where that fails."""
        found = self.standing
        while rows := self.outbox.judged_after(found.upto, AT_ONCE):
            found = replace(found, streams=self._counted(found, rows), upto=rows[-1].id)
        anew = self.home / standing.ANEW
        if anew.exists():
            found = replace(found, streams=self._streams(), since=time.time())
        if found == self.standing:
            return
        alarm = set(found.suspended) - set(self.standing.suspended)
        standing.write(self.home, found)
        anew.unlink(missing_ok=True)
        self.standing = found
        if found.streams and (alarm or time.time() >= self._next_line):
            standing.remember(self.home, found, time.time())
            self._next_line = time.time() + HISTORY_SECONDS

    def _counted(self, found: Standing, rows: Sequence[Row]) -> dict[str, dict[str, Stream]]:
        assert self._in_use is not None or not found.streams
        own = self._in_use.feature if self._in_use else ""
        mine = [row for row in rows if row.score is not None and row.package == self._package]
        return {
            feature: {
                name: _added(one, self._references[feature][name], some, name)
                for name, one in streams.items()
            }
            for feature, streams in found.streams.items()
            for some in [[row for row in mine if (row.feature or own) == feature]]
        }


def _added(one: Stream, held: Reference, rows: Sequence[Row], name: str) -> Stream:
    """The stream with these rows' values of a quantity."""
    known = [row for row in rows if getattr(row, name) is not None]
    if not known:
        return one
    wealth = Wealth(**vars(one.wealth))
    values = np.array([getattr(row, name) for row in known], np.float64)
    wealth.add(held, held.gaps(values, seed=known[0].id))
    if wealth.alarm is None or one.alarmed is not None:
        return Stream(wealth, one.alarmed)
    return Stream(wealth, known[wealth.alarm - one.wealth.n - 1].judged)


def _taken_up(before: Streams, fresh: Streams) -> Streams:
    """Fresh streams, each in its state of before where it has one."""
    return {
        feature: {name: before.get(feature, {}).get(name, one) for name, one in mine.items()}
        for feature, mine in fresh.items()
    }


def _read(home: Path) -> Standing | None:
    try:
        return standing.read(home)
    except UserError:
        return None

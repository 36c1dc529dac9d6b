"""A source, a judge and a sink that do as they are told."""

from backend.line.judge import Looked
from backend.line.part import Captured, Judgement, Verdict


class Listed:
    """A source of given parts."""

    def __init__(self, parts):
        self.parts, self.trouble, self.told = list(parts), "", []

    def read(self, most, patience):
        if not self.parts:
            return None
        batch, self.parts = self.parts[:most], self.parts[most:]
        return batch

    def done(self, part, said):
        self.told.append((part.captured.serial, said.verdict))

    def gone(self):
        return ()

    def close(self):
        pass


class Told:
    """Says BAD of serials that end in 7, REVIEW of those that end in 3, else GOOD."""

    suspended: frozenset[str] = frozenset()

    def __init__(self, slow=None):
        self.slow = slow or (lambda one: None)

    def look(self, one):
        self.slow(one)
        called = {"7": Verdict.BAD, "3": Verdict.REVIEW}.get(one.serial[-1], Verdict.GOOD)
        return Looked(Judgement(called, 1.0, "", "model", 2))

    @property
    def versions(self):
        return {"package": "model", "thresholds": 2, "variant": "FP32"}

    def drift(self):
        return ""


class Heard:
    """A sink that remembers; `down` times it is not there."""

    def __init__(self, name="heard", down=0, most=1000):
        self.name, self.down, self.most, self.rows, self.beats = name, down, most, [], []

    def send(self, rows):
        if self.down:
            self.down -= 1
            raise ConnectionError("nobody is there")
        self.rows += rows[: self.most]
        return len(rows[: self.most])

    def beat(self, state):
        self.beats.append(state)

    def close(self):
        pass


def captured(count):
    return [Captured(b"\x89PNG", "dot", 1.0, f"{k}") for k in range(count)]

"""Which images one trial trains on, and which it holds back to choose its confidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.detection.study.arms import Trial
from backend.images.labelled_image import LabelledImage

FIFTH = 5


@dataclass(frozen=True)
class Drawn:
    """The images of one trial. A specimen is on one side only.

    validation: a fifth of the groups of each source, never trained on. intact: the intact
    photographs of no specimen it trains on, where the arm has none of them as a part: with these
    and the real ones held back, or all held back where none is real, the confidence is chosen.
    """

    training: tuple[LabelledImage, ...]
    validation: tuple[LabelledImage, ...]
    intact: tuple[LabelledImage, ...] = ()

    def count(self, *sources: str) -> int:
        """Images of these sources on both sides."""
        return sum(s.source in sources for s in (*self.training, *self.validation))


def draw(
    pool: Mapping[str, Sequence[LabelledImage]],
    trial: Trial,
    synthetic: int,
    seed: int,
    unseen: bool = True,
) -> Drawn:
    """The images of a trial; the same for every arm as far as their sources are the same.

    synthetic: images of synthetic sources together. seed: of the study. unseen: False in a study
    that an earlier version began, whose `intact` may show what it trains on.
    """
    chosen = real_images(pool["real"], trial.amount, seed + trial.seed)
    if "real" not in trial.arm.parts:
        chosen = []
    held = _held_out(_ordered(chosen))
    training = [s for s in chosen if s.group not in held]
    validation = [s for s in chosen if s.group in held]
    others = [pool["intact"]] if "intact" in trial.arm.parts else []
    each = -(-synthetic // max(1, len(trial.arm.sources)))
    others += [pool[source][:each] for source in trial.arm.sources]
    for images in others:
        known = {s.group for s in training}
        free = [s for s in images if s.group not in known | held]
        order = np.random.default_rng([seed + trial.seed, 7]).permutation(len(free))
        held |= _held_out(_ordered([free[k] for k in order]))
        training += [s for s in images if s.group not in held]
        validation += [s for s in images if s.group in held]
    unused = [] if "intact" in trial.arm.parts else list(pool["intact"])
    if unseen:
        known = {s.group for s in training}
        unused = [s for s in unused if s.group not in known]
    return Drawn(tuple(training), tuple(validation), tuple(unused))


def real_images(real: Sequence[LabelledImage], amount: int, seed: int) -> list[LabelledImage]:
    """At least `amount` images, or all, by whole groups in an order drawn from the seed.

    The images of a smaller amount are among those of a larger one.
    """
    groups = sorted({s.group for s in real})
    found: list[LabelledImage] = []
    for place in np.random.default_rng([seed, 5]).permutation(len(groups)):
        if len(found) >= amount:
            break
        found += [s for s in real if s.group == groups[place]]
    return found


def _ordered(images: Sequence[LabelledImage]) -> list[str]:
    return list(dict.fromkeys(s.group for s in images))


def _held_out(groups: Sequence[str]) -> set[str]:
    """Every fifth group; of two to four groups the last."""
    fifths = set(groups[FIFTH - 1 :: FIFTH])
    return fifths or set(groups[1:][-1:])

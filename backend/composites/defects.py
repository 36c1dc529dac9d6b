"""One photograph with its defects."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator

from backend.composites.change import Proposal, settle
from backend.records import Box
from backend.renderer.compositing import tight_box


class Maker(Protocol):
    """Who makes defects. tries: how often one is tried before it is left out."""

    @property
    def tries(self) -> int: ...

    def propose(
        self, random: Generator, pixels: np.ndarray, allowed: np.ndarray, emphasis: float
    ) -> Proposal | None:
        """One defect for a photograph uint8 [H, W, 3], somewhere in `allowed` bool [H, W].

        emphasis: 0 at the first try, towards 1 at later ones; makers that can, then draw stronger.
        None where this try led to nothing.
        """
        ...


FAINT = 0.35  # of the difference that a faint mark was drawn with
FAINT_CONTRAST = 0.02  # of full scale, that it was drawn with at least


@dataclass(frozen=True)
class Composite:
    """pixels uint8 [H, W, 3]; mask uint8 [H, W], 255 where defect; one box and record a defect."""

    pixels: np.ndarray
    mask: np.ndarray
    boxes: tuple[Box, ...]
    records: tuple[dict[str, Any], ...]


def put_on(
    random: Generator,
    photograph: np.ndarray,
    allowed: np.ndarray,
    maker: Maker,
    count: int,
    least: float,
    source: str = "exact",
) -> Composite:
    """A photograph with up to `count` defects; one that would not show is left out.

    least: the contrast a defect must have, of full scale. source: where the boxes come from.
    """
    pixels, mask = photograph, np.zeros(photograph.shape[:2], bool)
    boxes: list[Box] = []
    records: list[dict[str, Any]] = []
    for _ in range(count):
        for attempt in range(maker.tries):
            proposal = maker.propose(random, pixels, allowed, attempt / maker.tries)
            done = settle(pixels, allowed, proposal, least) if proposal else None
            if proposal and done:
                pixels, mask = done.pixels, mask | done.mask
                boxes.append(Box(proposal.class_name, tight_box(done.mask), source=source))
                shown = {"contrast": round(done.contrast, 4), "gain": round(done.gain, 2)}
                records.append(
                    {"class": proposal.class_name, **proposal.record, **shown, "try": attempt + 1}
                )
                break
    return Composite(pixels, mask.astype(np.uint8) * 255, tuple(boxes), tuple(records))


def faintly_marked(
    random: Generator, photograph: np.ndarray, allowed: np.ndarray, maker: Maker, count: int
) -> np.ndarray:
    """A photograph with `count` marks too faint to be a defect; uint8 [H, W, 3]."""
    if not count:
        return photograph
    marked = put_on(random, photograph, allowed, maker, count, FAINT_CONTRAST).pixels
    paler = photograph + FAINT * (marked.astype(np.float32) - photograph)
    return np.rint(paler).astype(np.uint8)

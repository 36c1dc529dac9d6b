"""The feature maps that every method sees, of one or more backbones. Heavy (torch)."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from backend.inspection.model import feature_cache, features, self_supervision
from backend.inspection.model.features import Choice, Tick
from backend.inspection.model.folds import Data
from backend.inspection.model.scoring import Floats
from backend.inspection.model.spec import Spec
from backend.settings import settings

Sets = dict[str, Floats]  # feature set -> maps [N, C, G, G] of all parts


@dataclass(frozen=True)
class Extracted:
    """A backbone with the name of its feature set, its maps [N, C, G, G] of all parts, and the
    seconds a part took."""

    name: str
    backbone: nn.Module
    maps: Floats
    part_seconds: float


def shared(spec: Spec, choices: Sequence[Choice], data: Data, tick: Tick) -> list[Extracted]:
    """Features that serve every fold; none where each fold trains its own backbone."""
    found = []
    for place, choice in enumerate(choices):
        backbone = features.fixed(choice, spec.strides, spec.seed, spec.zoom, spec.layer)
        if backbone is None:
            return []
        told = share_of(tick, place, len(choices))
        made = feature_cache.extract(backbone, data.crops, settings().feature_cache, told)
        found.append(Extracted(choice.kind, backbone, *made))
    return found


def share_of(tick: Tick, place: int, count: int) -> Tick:
    """A Tick whose 0..1 are one of `count` equal shares of another's."""
    return lambda fraction, message: tick((place + fraction) / count, message)


def own(spec: Spec, data: Data, good: NDArray[np.intp], tick: Tick) -> Extracted:
    """A backbone trained on these GOOD parts only, and its features of all parts."""
    backbone = self_supervision.self_supervise(
        data.crops[good], data.types[good], spec.backbone_steps, spec.seed, spec.strides, tick
    )
    started = time.monotonic()
    maps = features.extract(backbone, data.crops, tick)
    seconds = (time.monotonic() - started) / len(data.crops)
    return Extracted("self-supervised", backbone, maps, seconds)


def maps_of(extracted: Sequence[Extracted]) -> Sets:
    """By the name of the feature set."""
    return {one.name: one.maps for one in extracted}

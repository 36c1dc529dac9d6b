"""Where one defect goes (Spot), and its geometry before the camera sees it (Sketch)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from backend.renderer.lighting import Light


@dataclass(frozen=True)
class Spot:
    """Where one defect goes and how bad it is."""

    x: float  # px
    y: float  # px
    size: int  # px, side of the image
    unit: float  # px per 1/256 of the image side
    severity: float  # 0..1
    light: Light
    edge: tuple[float, float, float] | None  # of the pane, as in Scene

    @property
    def at(self) -> np.ndarray:
        """The place as [x, y], px."""
        return np.array([self.x, self.y])

    def extent(self, rng: Generator, low: float, high: float) -> float:
        """Length in px between two fractions of the image side; worse defects reach further."""
        share = np.clip(0.55 * rng.random() + 0.45 * self.severity, 0, 1)
        return float(self.size * low * (high / low) ** share)

    def around(self, at: np.ndarray, reach: float) -> tuple[tuple[slice, slice], np.ndarray]:
        """The window of the image within `reach` px of `at`, and offsets [2, h, w] px from it."""
        low = np.clip(np.floor(at - reach), 0, self.size - 1).astype(int)
        high = np.clip(np.ceil(at + reach), low + 1, self.size).astype(int)
        xs, ys = (np.arange(a, b, dtype=np.float32) + 0.5 for a, b in zip(low, high, strict=True))
        offsets = np.stack(np.meshgrid(xs - np.float32(at[0]), ys - np.float32(at[1])))
        return (slice(low[1], high[1]), slice(low[0], high[0])), offsets

    def record(self, name: str, kind: str) -> dict[str, Any]:
        """What is remembered of a defect that was drawn here, JSON-serialisable."""
        place = {"x": round(self.x, 2), "y": round(self.y, 2)}
        return {"class": name, "kind": kind, "severity": round(self.severity, 4), **place}


@dataclass(frozen=True)
class Sketch:
    """Geometry of one defect before the camera."""

    layers: np.ndarray  # float32 [H, W, 3], 0..1: light lost, reflected, scattered
    kind: str
    shift: np.ndarray | None = None  # float32 [H, W, 2], px by which the scene is displaced
    tone: np.ndarray | None = None  # float32 [H, W], brightness of tilted facets, about 0
    solid: bool = False  # a body: its mask has no holes

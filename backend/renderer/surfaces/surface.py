"""What an opaque part is to the light: height, colour and gloss, and what a defect does to them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

Colour = tuple[float, float, float]
Window = tuple[slice, slice]
DARK = np.array([0.04, 0.04, 0.04], np.float32)


@dataclass(frozen=True)
class Nature:
    """What a material shows where it is hurt, soiled or overgrown.

    beneath, added: colour of what lies under the surface and of what sticks to it, [3] or
    [H, W, 3]. behind: what a hole lets one see, [3]. stains: light let through by what soils it.
    foreign: colours of what is shut in it. grain: direction of fibres, brushing or rolling, rad.
    along, across: spread of the slopes that mirror the lamp, along the grain and across it. hard:
    breaks with sharp edges. pitch: px from yarn to yarn, 0 where there is none. fibrous: splits
    along the grain.
    """

    beneath: np.ndarray
    added: np.ndarray
    behind: np.ndarray
    stains: tuple[Colour, ...]
    foreign: tuple[Colour, ...]
    grain: float = 0.0
    along: float = 0.3
    across: float = 0.3
    hard: bool = True
    pitch: float = 0.0
    fibrous: bool = False


@dataclass(frozen=True)
class Surface:
    """height float32 [H, W] px; albedo float32 [H, W, 3]; gloss float32 [H, W]; all intact or as
    far as defects have been laid into it. ink: float32 [H, W], 0..1, of a print. part: bool [H, W],
    where the part is. edge: as in Scene."""

    height: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray
    kind: str
    nature: Nature
    ink: np.ndarray | None = None
    part: np.ndarray | None = None
    edge: tuple[float, float, float] | None = None

    @property
    def size(self) -> int:
        return int(self.height.shape[0])

    def cut(self, window: Window) -> "Surface":
        """A piece of it; what only drawers ask for (ink, part, edge) stays behind."""
        height, albedo, gloss = self.height[window], self.albedo[window], self.gloss[window]
        return Surface(height, albedo, gloss, self.kind, self.nature)

    def mended(self, window: Window, piece: "Surface") -> "Surface":
        """The surface with a piece put back; a new one."""
        height, albedo, gloss = self.height.copy(), self.albedo.copy(), self.gloss.copy()
        height[window], albedo[window], gloss[window] = piece.height, piece.albedo, piece.gloss
        return replace(self, height=height, albedo=albedo, gloss=gloss)


@dataclass(frozen=True)
class Imprint:
    """What one defect does to a surface, by float32 [H, W] of its own.

    cover: 0..1, where it lies. height: px that it adds. paint: an opaque colour, [3] or [H, W, 3],
    laid over by cover x opacity. tint: light it lets through, [3] or [H, W, 3], by cover. gloss:
    factor. level: share of the surface's own relief that it fills. solid: a body; its mask has no
    holes.
    """

    kind: str
    cover: np.ndarray
    height: np.ndarray | None = None
    paint: np.ndarray | Colour | None = None
    opacity: float = 1.0
    tint: np.ndarray | Colour | None = None
    gloss: float = 1.0
    level: float = 0.0
    solid: bool = True

    def cut(self, window: Window) -> "Imprint":
        """The piece of it in a window of the surface."""
        height = None if self.height is None else self.height[window]
        paint, tint = (_piece(colour, window) for colour in (self.paint, self.tint))
        return replace(self, cover=self.cover[window], height=height, paint=paint, tint=tint)

    def stronger(self, boost: float) -> "Imprint":
        """The same defect, deeper and more opaque."""
        height = None if self.height is None else self.height * np.float32(boost)
        tint = None if self.tint is None else np.asarray(self.tint, np.float32) ** boost
        opacity = min(1.0, self.opacity * boost)
        return replace(self, height=height, tint=tint, opacity=opacity)


def imprinted(surface: Surface, imprint: Imprint) -> Surface:
    """The surface with one more defect; a new one."""
    cover = imprint.cover
    height, albedo, gloss = surface.height, surface.albedo, surface.gloss
    if imprint.level:
        height = height * (1 - np.float32(imprint.level) * cover)
    if imprint.height is not None:
        height = height + imprint.height
    if imprint.tint is not None:
        albedo = albedo * (1 + (np.asarray(imprint.tint, np.float32) - 1) * cover[..., None])
    if imprint.paint is not None:
        weight = np.float32(imprint.opacity) * cover[..., None]
        albedo = albedo + (np.asarray(imprint.paint, np.float32) - albedo) * weight
    if imprint.gloss != 1:
        gloss = gloss * (1 + np.float32(imprint.gloss - 1) * cover)
    return replace(surface, height=height, albedo=albedo, gloss=gloss)


def reach_of(imprint: Imprint, margin: int) -> Window:
    """The part of the surface that looks different with it: where it lies, and `margin` px more."""
    touched = imprint.cover > 0.004
    if imprint.height is not None:
        touched |= np.abs(imprint.height) > 0.01
    if not touched.any():
        touched[:1, :1] = True
    ends = (np.flatnonzero(touched.any(axis)) for axis in (1, 0))
    rows, columns = (slice(max(0, int(e[0]) - margin), int(e[-1]) + margin + 1) for e in ends)
    return rows, columns


def _piece(colour: np.ndarray | Colour | None, window: Window) -> np.ndarray | None:
    """Of a colour that may differ from place to place."""
    whole = None if colour is None else np.asarray(colour, np.float32)
    return whole[window] if whole is not None and whole.ndim == 3 else whole


def spread(size: int, window: tuple[slice, slice], patch: np.ndarray) -> np.ndarray:
    """A patch [h, w] in its window of an empty float32 [size, size]."""
    layer = np.zeros((size, size), np.float32)
    layer[window] = patch
    return layer


def one_of(rng: Generator, colours: tuple[Colour, ...]) -> np.ndarray:
    """One of the colours, a little varied, float32 [3]."""
    colour = np.array(colours[int(rng.integers(len(colours)))], np.float32)
    return np.clip(colour * rng.uniform(0.85, 1.15) + rng.normal(0, 0.01, 3), 0, 1.2).astype(
        np.float32
    )


def spot_turn(rng: Generator, surface: Surface, loyal: float) -> float:
    """A direction, rad: along the grain for the share `loyal`, else any."""
    if rng.random() < loyal:
        return surface.nature.grain + float(rng.normal(0, 0.08))
    return float(rng.uniform(0, np.pi))

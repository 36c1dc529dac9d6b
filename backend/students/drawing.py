"""How a sample is drawn from what a student learned: one rule a recipe, for those who use it, for
the choice of its best weights and for its critic.

Where latents were learned: a scene in the light of another, the defect of a third at a place where
the whole of it fits, all about as bright. The light moves as in Reinhard et al. 2001, in RGB; the
camera's noise is white noise in octaves, each as strong as learned: noise that went through a lens,
a JPEG and a resize is not white. numpy only, so that painting needs no PyTorch; `moved` takes
tensors too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

EMPTY = 0.6  # codes this near to the code of nothing show no defect
UNNAMED = "defect"  # the class of samples of a student that knows none
LIGHT = 6
MOST_CONTRAST = 0.25  # of the logarithm of the contrast: a faint scene is not blown up to a glaring
FLAT = 0.02
REACH = 5  # a scene takes light and defect of scenes within a fifth of all in brightness
OCTAVES = 3
GAINS = (1.0, 2.8, 4.0)
CHROMA = 0.5

Latent = NDArray[np.float32]
Light = NDArray[np.float32]
Named = tuple[Latent, str]


@dataclass(frozen=True)
class AnyLatent:
    """Numbers of a standard normal distribution, as many as the student takes: the paper's."""

    size: int
    classes: tuple[str, ...]
    known: ClassVar[tuple[str, ...]] = ()

    def draw(self, random: Generator, variation: float = 1.0, class_name: str = "") -> Named:
        z = random.standard_normal(self.size).astype(np.float32)
        return z, self.classes[0] if len(self.classes) == 1 else UNNAMED


@dataclass(frozen=True)
class Noise:
    """A diffusion model's starting noise, `size` numbers, and the class as one of K."""

    size: int
    known: tuple[str, ...]

    def draw(self, random: Generator, variation: float = 1.0, class_name: str = "") -> Named:
        name = class_name or str(random.choice(self.known))
        noise = random.standard_normal(self.size, np.float32)
        chosen = np.array([name == known for known in self.known], np.float32)
        return np.concatenate([noise, chosen]), name


@dataclass(frozen=True)
class Shift:
    """Where in a map of codes a defect lies, and where it is put."""

    source: tuple[slice, slice]
    target: tuple[slice, slice]


@dataclass(frozen=True)
class Pick:
    """The images that give a sample its scene, its defect and its light; None: the defect stays."""

    scene: int
    defect: int
    lit: int
    shift: Shift | None


@dataclass(frozen=True)
class Learned:
    """Latents [N, D], one an image: its scene and the scene's light, then its defect's codes.

    nothing [C]: the code of a cell without a defect; students of earlier versions have none, and
    their defects stay. by_brightness [N]: places of the images, the darkest scene first. lights
    [N, 6], of earlier students [N, 0]. labels [N]: places in `classes`.
    """

    latents: Latent
    nothing: NDArray[np.float32]
    by_brightness: NDArray[np.intp]
    lights: Light
    labels: NDArray[np.intp]
    classes: tuple[str, ...]

    @property
    def known(self) -> tuple[str, ...]:
        """The classes that can be asked for: those of the images."""
        return tuple(self.classes[k] for k in np.unique(self.labels) if k < len(self.classes))

    @property
    def scene_dim(self) -> int:
        """So many of a latent's numbers are the scene's and its light's."""
        return (self.latents.shape[1] + self.lights.shape[1]) // 2

    def draw(self, random: Generator, variation: float = 1.0, class_name: str = "") -> Named:
        """The latent [D] of a sample and the class of its defect, a known one if it is named.

        variation: how far the light goes the way to another's; 0: the scene's own, and the defect
        stays at its place."""
        pick = self.pick(random, variation, class_name)
        defect = self.latents[pick.defect, self.scene_dim :]
        z = self.latents[pick.scene].copy()
        z[self.scene_dim - self.lights.shape[1] : self.scene_dim] = self.shown(pick, variation)
        z[self.scene_dim :] = moved(defect, self.nothing, pick.shift)
        return z, self.classes[self.labels[pick.defect]] if self.classes else UNNAMED

    def pick(self, random: Generator, variation: float = 1.0, class_name: str = "") -> Pick:
        """The images that give a sample what it shows, of a class where one is named."""
        pool = self.by_brightness
        if class_name:
            pool = pool[self.labels[pool] == self.classes.index(class_name)]
        rank = int(random.integers(len(pool)))
        defect, lit = (_near(pool, rank, random) for _ in range(2))
        moves = len(self.nothing) and variation
        return Pick(int(pool[rank]), defect, lit, self._shift(defect, random) if moves else None)

    def shown(self, pick: Pick, variation: float = 1.0) -> Light:
        """The light [6] of a sample, the way from its scene's own to the other's."""
        return light_change(self.lights[pick.scene], self.lights[pick.lit], variation)

    def _shift(self, defect: int, random: Generator) -> Shift | None:
        """Another place, with nothing cut off; None where there is no defect in the codes."""
        codes = _map(self.latents[defect, self.scene_dim :], len(self.nothing))
        covered = np.abs(codes - self.nothing[:, None, None]).max(0) > EMPTY
        if not covered.any():
            return None
        source, target = zip(*(_span(covered.any(axis), random) for axis in (1, 0)), strict=True)
        return Shift(source, target)


Rule = AnyLatent | Noise | Learned


def _span(covered: NDArray[np.bool_], random: Generator) -> tuple[slice, slice]:
    """From the first to the last covered cell of an axis, and as many from a random one on."""
    first, last = (int(k) for k in np.flatnonzero(covered)[[0, -1]])
    to = int(random.integers(len(covered) - last + first))
    return slice(first, last + 1), slice(to, to + last - first + 1)


def _near(pool: NDArray[np.intp], rank: int, random: Generator) -> int:
    """An image of the pool whose scene is about as bright as the one at `rank`."""
    reach = max(1, len(pool) // REACH)
    other = rank + int(random.integers(-reach, reach + 1))
    return int(pool[min(max(other, 0), len(pool) - 1)])


def _map(codes: Any, channels: int) -> Any:
    """Codes [D] as a map [C, S/8, S/8]."""
    grid = round((len(codes) / channels) ** 0.5)
    return codes.reshape(channels, grid, grid)


def moved(codes: Any, nothing: Any, shift: Shift | None) -> Any:
    """A defect's codes [D] where the shift puts them; array or tensor, gradients go through."""
    if shift is None:
        return codes
    found = _map(codes, len(nothing))
    made = nothing[:, None, None] + 0 * found
    made[:, shift.target[0], shift.target[1]] = found[:, shift.source[0], shift.source[1]]
    return made.reshape(-1)


def light_of(images: NDArray[np.uint8]) -> Light:
    """The light of images [N, S, S, 3]: median colour in 0…1 and logarithm of its spread [N, 6]."""
    count, height, width, _ = images.shape
    pixels = images.reshape(count, height * width, 3) / 255
    spread = np.log(pixels.std(1) + FLAT)
    return np.concatenate([np.median(pixels, 1), spread], 1).astype(np.float32)


def light_change(own: Light, other: Light, share: float = 1.0) -> Light:
    """What takes pictures from their own light [..., 6] the way to another's, or a share of it:
    logarithm of the gain and shift of each colour [..., 6]; zeros leave a picture as it is."""
    contrast = share * (other[..., 3:] - own[..., 3:])
    gain = contrast.clip(-MOST_CONTRAST, MOST_CONTRAST)
    wanted = own[..., :3] + share * (other[..., :3] - own[..., :3])
    return np.concatenate([gain, wanted - own[..., :3] * np.exp(gain)], -1, dtype=np.float32)


def sampled(
    draw: Callable[[Generator], Named],
    paint: Callable[[Latent], NDArray[np.float32]],
    octaves: int,
    random: Sequence[Generator],
) -> tuple[NDArray[np.uint8], NDArray[np.float32], list[str]]:
    """Samples as their users get them, one of each generator, and their classes: drawn, painted
    (latents [N, D] → [N, C, S, S]), given the camera's noise, turned and mirrored."""
    latents, names = zip(*map(draw, random), strict=True)
    images, masks = finished(paint(np.stack(latents)), octaves, random)
    turn(images, masks, random)
    return images, masks, list(names)


def finished(
    made: NDArray[np.float32], octaves: int, random: Sequence[Generator] | None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """What a student painted [N, C, S, S] as images uint8 [N, S, S, 3] and masks [N, S, S].

    random: a generator an image, of which the camera's noise is drawn; None: clean images. Without
    a mask among the channels, the masks are zeros.
    """
    pixels = made.transpose(0, 2, 3, 1)
    has_mask = pixels.shape[3] > 3
    masks = pixels[..., 3] if has_mask else np.zeros(pixels.shape[:3], np.float32)
    images = pixels[..., :3]
    if random is not None and octaves:
        drawn = np.stack([noise(one, pixels.shape[1])[:octaves] for one in random])
        strengths = pixels[..., 4 : 4 + octaves]
        images = (images + np.einsum("nhwo,nohwc->nhwc", strengths, drawn)).clip(0, 1)
    return (images * 255).round().astype(np.uint8), masks


def turn(images: np.ndarray, masks: np.ndarray, random: Sequence[Generator]) -> None:
    """Turn and mirror square pictures and their masks at random, in place."""
    for k, one in enumerate(random):
        turns, mirrored = int(one.integers(4)), bool(one.integers(2))
        images[k], masks[k] = (_turned(x, turns, mirrored) for x in (images[k], masks[k]))


def _turned(pixels: np.ndarray, quarter_turns: int, mirrored: bool) -> np.ndarray:
    turned = np.rot90(pixels, quarter_turns)
    return turned[:, ::-1] if mirrored else turned


def noise(random: Generator, size: int) -> np.ndarray:
    """Noise of unit strength in each octave, float32 [OCTAVES, size, size, 3]: octave k changes
    over 2^k px; the finest has colour too, half as strong and three times as coarse."""
    fields = []
    for octave in range(OCTAVES):
        field = random.standard_normal((-(-size // 2**octave),) * 2, np.float32)
        for _ in range(octave):
            field = _doubled(_doubled(field).T).T
        fields.append(GAINS[octave] * field[:size, :size, None].repeat(3, 2))
    coarse = -(-size // 3)
    chroma = random.standard_normal((coarse, coarse, 3), np.float32)
    fields[0] += CHROMA * chroma.repeat(3, 0).repeat(3, 1)[:size, :size]
    return np.stack(fields)


def _doubled(field: np.ndarray) -> np.ndarray:
    """Twice as many rows, interpolated."""
    above = np.concatenate([field[:1], field[:-1]])
    below = np.concatenate([field[1:], field[-1:]])
    pairs = np.stack([0.75 * field + 0.25 * above, 0.75 * field + 0.25 * below], 1)
    return pairs.reshape(-1, field.shape[1])

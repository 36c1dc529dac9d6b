"""An opaque part before the camera: painted intact, then hurt by one defect after another."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.camera import Camera
from backend.renderer.compositing import LEAST_PIXELS, VISIBLE, grown, strongest
from backend.renderer.lighting import Light
from backend.renderer.sketch import Spot
from backend.renderer.surfaces import bodies, coats, grooves, ink, yarns
from backend.renderer.surfaces.background import cut_part
from backend.renderer.surfaces.metals import brushed_metal, cast_metal, rolled_steel
from backend.renderer.surfaces.minerals import concrete, stone
from backend.renderer.surfaces.photograph import as_surface
from backend.renderer.surfaces.plastics import plastic
from backend.renderer.surfaces.prints import printed_lines, printed_paper
from backend.renderer.surfaces.shading import Lamp, draw_lamp, shade
from backend.renderer.surfaces.surface import Imprint, Surface, imprinted, reach_of
from backend.renderer.surfaces.textiles import textile
from backend.renderer.surfaces.wood import wood

PAINTERS: dict[str, Callable[[Generator, int], Surface]] = {
    "brushed metal": brushed_metal,
    "cast metal": cast_metal,
    "rolled steel": rolled_steel,
    "concrete": concrete,
    "stone": stone,
    "plastic": plastic,
    "wood": wood,
    "textile": textile,
    "printed paper": printed_paper,
    "printed lines": printed_lines,
}
CUT = ("brushed metal", "cast metal", "rolled steel", "stone", "plastic", "wood")  # show an edge
Drawer = Callable[[Generator, Spot, Surface], Imprint]
DRAWERS: dict[str, Drawer] = {
    "scratch": grooves.scratch,
    "crack": grooves.crack,
    "tear": grooves.tear,
    "dent": bodies.dent,
    "pit": bodies.pit,
    "inclusion": bodies.inclusion,
    "missing material": bodies.missing,
    "extra material": bodies.extra,
    "stain": coats.stain,
    "scale": coats.scale,
}
PRINTED: dict[str, Drawer] = {
    "scratch": ink.scraped,
    "missing material": ink.missing_ink,
    "extra material": ink.extra_ink,
}
OWN: dict[str, dict[str, Drawer]] = {  # drawn in a way of its own on that material
    "textile": {"missing material": yarns.missing_yarn, "extra material": yarns.extra_yarn},
    "printed paper": PRINTED,
    "printed lines": PRINTED,
}
MONOCHROME = 0.3  # share of cameras that see no colour
COLOURLESS = 0.06  # most that the channels of a colourless photograph differ
TRIES = 6  # each stronger than the last
GRAIN = 1.1  # a defect's change must be this large in deviations of the texture around it


@dataclass
class Workpiece:
    """A part under its lamp. image: float32 [H, W, 3], 0..1, with the defects laid in so far.

    clean: the same without any. grey: the camera sees no colour. gain: of its exposure.
    """

    material: str
    surface: Surface
    lamp: Lamp
    camera: Camera
    grey: bool
    gain: float
    clean: np.ndarray
    image: np.ndarray

    @property
    def kind(self) -> str:
        return self.surface.kind

    @property
    def allowed(self) -> np.ndarray:
        """Where the part is, bool [H, W]."""
        part = self.surface.part
        return np.ones(self.clean.shape[:2], bool) if part is None else part

    def place(
        self, rng: Generator, name: str, severity: tuple[float, float], allowed: np.ndarray
    ) -> tuple[np.ndarray, dict[str, Any]] | None:
        """Lay one defect in; its mask bool [H, W] and parameters.

        None after some tries in which nothing of it could be seen in the allowed part.
        """
        places = np.flatnonzero(allowed)
        low, high = severity
        for attempt in range(TRIES):
            y, x = divmod(int(places[rng.integers(len(places))]), self.surface.size)
            grade = float(rng.uniform(low + (high - low) * attempt / TRIES, high))
            spot = self._spot(x + 0.5, y + 0.5, grade)
            drawer = OWN.get(self.material, {}).get(name) or DRAWERS[name]
            imprint = drawer(rng, spot, self.surface)
            own = self._lay(imprint, allowed)
            if own is not None:
                return own, spot.record(name, imprint.kind)
        return None

    def _spot(self, x: float, y: float, grade: float) -> Spot:
        size = self.surface.size
        light = Light(self.lamp.direction, self.lamp.colour, 1.0, 1.0, 1.0)
        return Spot(x, y, size, size / 256, grade, light, self.surface.edge)

    def _lay(self, imprint: Imprint, allowed: np.ndarray) -> np.ndarray | None:
        """The defect's mask where it shows enough; the part and its image then have it."""
        window = reach_of(imprint, self.lamp.margin)
        part, lamp = self.surface.cut(window), self.lamp.cut(window)
        inside = allowed[window][..., None]
        plain, before, own_part = shade(part, lamp), self.image[window], imprint.cut(window)
        for boost in (1.0, 1.7, 3.0):
            hurt = imprinted(part, own_part.stronger(boost))
            change = _seen(shade(hurt, lamp) - plain, self.grey) * np.float32(self.gain)
            change = cv2.GaussianBlur(change * inside, (0, 0), self.camera.blur) * inside
            after = np.clip(before + change, 0, 1)
            own = _mask(after, before, own_part, inside[..., 0])
            if own is not None and _stands_out(after, before, own):
                self.surface = self.surface.mended(window, hurt)
                self.image = self.image.copy()
                self.image[window] = after
                mask = np.zeros(allowed.shape, bool)
                mask[window] = own
                return mask
        return None


def _seen(light: np.ndarray, grey: bool) -> np.ndarray:
    """Light [H, W, 3] as a camera sees it that may know no colour."""
    if not grey:
        return light
    return cv2.cvtColor(cv2.cvtColor(light, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _mask(
    after: np.ndarray, before: np.ndarray, imprint: Imprint, allowed: np.ndarray
) -> np.ndarray | None:
    """Where the image visibly differs, one px wider; of a body that shows, the whole."""
    own = strongest(cv2.absdiff(after, before)) > VISIBLE
    if own.sum() < LEAST_PIXELS:
        return None
    if imprint.solid:
        body = (imprint.cover > 0.5) & allowed
        if own[body].sum() < 0.3 * body.sum():
            return None
        own |= body
    return grown(own.astype(np.uint8), imprint.solid) & allowed


def _stands_out(after: np.ndarray, before: np.ndarray, own: np.ndarray) -> bool:
    """Is the change large beside the texture of the intact part around it?"""
    change = strongest(cv2.absdiff(after, before))[own]
    grey = cv2.cvtColor(before, cv2.COLOR_RGB2GRAY)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 3)
    texture = 1.48 * float(np.median(np.abs(fine[own])))
    strong = np.partition(change, int(0.7 * len(change)))[int(0.7 * len(change))]
    return bool(strong > max(0.035, GRAIN * texture))


def made(rng: Generator, size: int, material: str, style: str, camera: Camera) -> Workpiece:
    """An intact part of a material under one of its lightings."""
    surface = PAINTERS[material](rng, size)
    lamp = draw_lamp(rng, style, size)
    if lamp.behind:  # a hole shows the lamp
        nature = replace(surface.nature, behind=np.ones(3, np.float32))
        surface = replace(surface, nature=nature)
    gain = _exposure(shade(surface, lamp), lamp, style)
    if material in CUT and rng.random() < 0.22:
        surface = cut_part(rng, surface)
    grey = rng.random() < MONOCHROME
    shown = _seen(shade(surface, lamp), grey) * np.float32(gain)
    image = np.clip(cv2.GaussianBlur(shown, (0, 0), camera.blur), 0, 1)
    return Workpiece(material, surface, lamp, camera, grey, gain, image, image)


def _exposure(plain: np.ndarray, lamp: Lamp, style: str) -> float:
    """The gain that brings a part near the picture's brightness; dark parts stay darker."""
    mean = float(np.mean(cv2.mean(plain)[:3]))
    return float(min((lamp.level / (mean + 1e-3)) ** (0.9 if style == "dark field" else 0.6), 4.0))


def photographed(
    rng: Generator, photo: np.ndarray, material: str, style: str, camera: Camera
) -> Workpiece:
    """A photograph float32 [H, W, 3] as the part; what is laid in is lit from any side."""
    surface = as_surface(rng, photo, material)
    even = np.ones((*photo.shape[:2], 1), np.float32)
    lamp = replace(
        draw_lamp(rng, style, photo.shape[0]),
        grade=even,
        colour=np.ones(3, np.float32),
        behind=False,
    )
    grey = float(np.ptp(photo, axis=2).max()) < COLOURLESS
    return Workpiece(material, surface, lamp, camera, grey, 1.0, photo, photo)

"""Intact prints: paper with text, bars and pictures; conductors and ink lines."""

import cv2
import numpy as np
from numpy.random import Generator

from backend.renderer.paint import noise_field, random_colour, random_tint, rgb
from backend.renderer.surfaces.fields import blurred, speckle, streaks
from backend.renderer.surfaces.surface import Nature, Surface

SIGNS = "ABCDEFGHKLMNPRSTUVXYZ0123456789abcdeghknopqrsuvxz.-/%"
COFFEE, GREASE, WATER, BLUE = (
    (0.7, 0.52, 0.34),
    (0.8, 0.78, 0.68),
    (0.86, 0.84, 0.8),
    (0.4, 0.5, 0.75),
)


def printed_paper(rng: Generator, size: int) -> Surface:
    """Paper or board with nothing, text, bars, a solid or a screen on it."""
    sheet, height = _sheet(rng, size)
    kind = str(
        rng.choice(["blank", "text", "bars", "solid", "screen"], p=[0.2, 0.3, 0.15, 0.2, 0.15])
    )
    ink = _layout(rng, size, kind)
    dark = rgb(0.05, 0.05, 0.06) if rng.random() < 0.55 else random_colour(rng, 0.08, 0.45, 0.7)
    mottled = ink * (1 - rng.uniform(0, 0.1) * np.clip(speckle(rng, size, 0.9), 0, 3))
    full = dark * (0.8 + 0.2 * sheet)
    albedo = sheet + (full - sheet) * mottled[..., None]
    gloss = rng.uniform(0, 0.12) * (1 + 0.5 * ink)
    nature = _print_nature(rng, sheet, full)
    return Surface(height, albedo.astype(np.float32), gloss.astype(np.float32), kind, nature, ink)


def _sheet(rng: Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Albedo and relief of the bare paper: cloudy formation, fibres, tooth."""
    unit = size / 256
    cloud = noise_field(rng, size, rng.uniform(5, 18), 4)
    tooth = speckle(rng, size, max(0.5, rng.uniform(0.6, 1.2) * unit))
    fibres = sum(streaks(rng, size, t, 22 * unit, max(0.9, unit)) for t in rng.uniform(0, np.pi, 3))
    rough = rng.uniform(0.2, 1.0)
    light = 1 + rough * (0.03 * cloud + 0.025 * tooth + 0.02 * np.asarray(fibres))
    pick = rng.random()
    if pick < 0.5:
        colour = rgb(0.92, 0.91, 0.88) * rng.uniform(0.85, 1.05) * random_tint(rng, 0.03)
    elif pick < 0.75:
        colour = rgb(0.68, 0.54, 0.36) * rng.uniform(0.7, 1.2) * random_tint(rng, 0.06)
    else:
        colour = random_colour(rng, 0.5, 0.85, 0.22)
    height = (tooth * 0.12 + np.asarray(fibres) * 0.09) * np.float32(rough * unit) + cloud * (
        0.12 * unit
    )
    return np.clip(light, 0, 1.3)[..., None] * colour, height.astype(np.float32)


def _print_nature(rng: Generator, bare: np.ndarray, full: np.ndarray) -> Nature:
    shade = rng.uniform(0.03, 0.25) if rng.random() < 0.75 else rng.uniform(0.6, 0.95)
    return Nature(
        beneath=bare.astype(np.float32),
        behind=np.full(3, shade, np.float32),
        added=np.broadcast_to(full, bare.shape).astype(np.float32),
        stains=(COFFEE, GREASE, WATER, BLUE, (0.55, 0.55, 0.55)),
        foreign=((0.25, 0.16, 0.09), (0.06, 0.06, 0.07), (0.35, 0.25, 0.15), (0.15, 0.25, 0.4)),
        grain=float(rng.integers(0, 2) * np.pi / 2),
        hard=False,
    )


def _layout(rng: Generator, size: int, kind: str) -> np.ndarray:
    """Where the ink is, float32 [size, size] 0..1, drawn at twice the size."""
    wide = size * (2 if size <= 512 else 1)
    drawers = {"text": _text, "bars": _bars, "solid": _solid, "screen": _screen}
    if kind == "blank":
        return np.zeros((size, size), np.float32)
    canvas = drawers[kind](rng, wide)
    turn = rng.normal(0, 2) + 90 * int(rng.integers(0, 4))
    matrix = cv2.getRotationMatrix2D((wide / 2, wide / 2), turn, 1.0)
    canvas = cv2.warpAffine(canvas, matrix, (wide, wide), borderMode=cv2.BORDER_REPLICATE)
    small = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return np.multiply(small, np.float32(1 / 255), dtype=np.float32)


def _text(rng: Generator, wide: int) -> np.ndarray:
    """Lines of letters and figures of one type."""
    canvas = np.zeros((wide, wide), np.uint8)
    face = int(rng.choice([0, 2, 3, 4, 6]))
    scale = rng.uniform(0.6, 2.4) * wide / 512
    thick = max(1, round(scale * rng.uniform(1.2, 3.5)))
    pitch = rng.uniform(1.35, 2.4) * 22 * scale
    for y in np.arange(rng.uniform(0.3, 1.2) * pitch, wide + pitch, pitch):
        words = "".join(
            str(s) if rng.random() < 0.86 else " " for s in rng.choice(list(SIGNS), 45)
        )[: int(rng.integers(6, 45))]
        at = (int(rng.uniform(-0.05, 0.2) * wide), int(y))
        cv2.putText(canvas, words, at, face, scale, 255, thick, cv2.LINE_AA)
    return canvas


def _bars(rng: Generator, wide: int) -> np.ndarray:
    """A bar code, ruled lines or a colour strip."""
    canvas = np.zeros((wide, wide), np.uint8)
    x, pitch = rng.uniform(0, 0.2) * wide, rng.uniform(2.5, 9) * wide / 256
    ruled, top = rng.random() < 0.4, int(rng.uniform(0, 0.3) * wide)
    while x < wide * rng.uniform(0.8, 1.05):
        thick = pitch if ruled else pitch * int(rng.integers(1, 5))
        cv2.rectangle(canvas, (round(x), top), (round(x + thick), int(0.92 * wide)), 255, -1)
        x += thick + (pitch * 3 if ruled else pitch * int(rng.integers(1, 5)))
    return canvas


def _solid(rng: Generator, wide: int) -> np.ndarray:
    """Areas of full ink with straight or round borders."""
    canvas = np.zeros((wide, wide), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        x, y, w, h = (rng.uniform(-0.2, 0.8, 4) * wide).astype(int)
        value = int(rng.uniform(110, 255))
        if rng.random() < 0.4:
            cv2.circle(canvas, (x, y), abs(w) + wide // 8, value, -1, cv2.LINE_AA)
        else:
            far = (x + abs(w) + wide // 4, y + abs(h) + wide // 4)
            cv2.rectangle(canvas, (x, y), far, value, -1)
    return canvas


def _screen(rng: Generator, wide: int) -> np.ndarray:
    """A halftone: dots that grow with the tone of a smooth picture."""
    pitch = max(4.5, rng.uniform(3.5, 9) * wide / 256)
    axis = np.arange(wide, dtype=np.float32) * np.float32(2 * np.pi / pitch)
    cos, sin = np.float32(np.cos(0.5)), np.float32(np.sin(0.5))
    across, down = (
        axis[None, :] * cos + axis[:, None] * sin,
        axis[:, None] * cos - axis[None, :] * sin,
    )
    tone = noise_field(rng, wide, rng.uniform(1, 4)) * 0.9 + rng.uniform(-0.8, 0.8)
    dots = (np.cos(across) + np.cos(down)) / 2 + tone
    return (np.clip(dots * 2.5 + 0.5, 0, 1) * 255).astype(np.uint8)


def printed_lines(rng: Generator, size: int) -> Surface:
    """A circuit board, its film of plain black and white, or lines of ink drops."""
    kind = str(rng.choice(["circuit", "artwork", "ink drops"], p=[0.42, 0.28, 0.3]))
    ink = _drops(rng, size) if kind == "ink drops" else _conductors(rng, size)
    bare, full, gloss, thick = _board(rng, kind)
    grainy = speckle(rng, size, 0.6)[..., None]
    cloud = noise_field(rng, size, 3, 2)[..., None]
    strength = 0.2 if kind == "artwork" else rng.uniform(0.5, 1.5)
    texture = 1 + np.float32(strength) * (0.02 * grainy + 0.03 * cloud)
    under, over = bare * texture, full * texture
    if kind == "circuit":  # the weave of the laminate shines through
        weave = streaks(rng, size, 0.0, size, 3) + streaks(rng, size, np.pi / 2, size, 3)
        under = under * (1 + 0.02 * weave)[..., None]
    albedo = under + (over - under) * ink[..., None]
    height = blurred(ink, 0.6) * np.float32(thick * size / 256) + grainy[..., 0] * np.float32(0.03)
    shine = gloss[0] + (gloss[1] - gloss[0]) * ink
    nature = _print_nature(rng, under, over)
    return Surface(
        height.astype(np.float32),
        albedo.astype(np.float32),
        shine.astype(np.float32),
        kind,
        nature,
        ink,
    )


def _board(rng: Generator, kind: str) -> tuple[np.ndarray, np.ndarray, tuple[float, float], float]:
    """Colour of the bare ground and of the conductor, gloss of both, thickness in 1/256."""
    if kind == "artwork":
        dark, pale = rgb(0.02, 0.02, 0.02), rgb(0.97, 0.97, 0.97)
        return (pale, dark, (0.0, 0.0), 0.0) if rng.random() < 0.5 else (dark, pale, (0, 0), 0.0)
    if kind == "ink drops":
        paper = rgb(0.88, 0.87, 0.84) * rng.uniform(0.7, 1.1) * random_tint(rng, 0.04)
        ink = rgb(0.06, 0.06, 0.08) if rng.random() < 0.6 else random_colour(rng, 0.1, 0.5, 0.9)
        return paper, ink, (0.02, rng.uniform(0, 0.2)), rng.uniform(0, 0.5)
    ground = (
        rgb(0.07, 0.24, 0.14),
        rgb(0.07, 0.12, 0.26),
        rgb(0.26, 0.08, 0.08),
        rgb(0.07, 0.07, 0.07),
    )
    laminate = rgb(0.5, 0.47, 0.33)
    bare = laminate if rng.random() < 0.35 else ground[int(rng.integers(4))]
    metal = (rgb(0.72, 0.48, 0.34), rgb(0.74, 0.63, 0.38), rgb(0.72, 0.72, 0.7), bare * 1.9 + 0.04)
    full = metal[int(rng.integers(4))] * rng.uniform(0.75, 1.1)
    shine = rng.uniform(0.05, 0.25), rng.uniform(0.1, 0.4)
    return bare * rng.uniform(0.7, 1.3), np.clip(full, 0, 1), shine, rng.uniform(0.3, 1.4)


def _conductors(rng: Generator, size: int) -> np.ndarray:
    """Tracks side by side with bends of 45 degrees, pads, holes and areas; float32 0..1."""
    scale = 2 if size <= 512 else 1
    wide = size * scale
    canvas = np.zeros((wide, wide), np.uint8)
    pitch = rng.uniform(11, 52) * wide / 256
    thick = max(2, round(pitch * rng.uniform(0.35, 0.6)))
    place = rng.uniform(-0.6, 0.2) * wide
    bend, side = rng.uniform(0.15, 0.85) * wide, rng.choice([-1, 1]) * rng.uniform(0, 0.5) * wide
    while place < 1.6 * wide:
        turn = bend + 0.41 * place * rng.choice([0, 1])
        path = [(-9, place), (turn, place), (turn + abs(side), place + side)]
        path.append((2 * wide, place + side))
        if rng.random() < 0.9:
            cv2.polylines(canvas, [np.array(path).astype(np.int32)], False, 255, thick)
        if rng.random() < 0.3:
            _pad(rng, canvas, (int(rng.uniform(0, wide)), int(place)), thick)
        place += pitch * (1 if rng.random() < 0.8 else rng.uniform(1.5, 4))
    if rng.random() < 0.35:
        x, y = (rng.uniform(-0.2, 0.8, 2) * wide).astype(int)
        far = int(x + rng.uniform(0.2, 0.7) * wide), int(y + rng.uniform(0.2, 0.7) * wide)
        cv2.rectangle(canvas, (x, y), far, 255, -1)
    canvas = np.rot90(canvas, int(rng.integers(0, 4))).copy()
    small = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return np.multiply(small, np.float32(1 / 255), dtype=np.float32)


def _pad(rng: Generator, canvas: np.ndarray, at: tuple[int, int], thick: int) -> None:
    """A land, round or square, often with a drilled hole."""
    radius = int(thick * rng.uniform(0.9, 2.0)) + 2
    if rng.random() < 0.7:
        cv2.circle(canvas, at, radius, 255, -1)
    else:
        cv2.rectangle(
            canvas, (at[0] - radius, at[1] - radius), (at[0] + radius, at[1] + radius), 255, -1
        )
    if rng.random() < 0.6:
        cv2.circle(canvas, at, max(1, int(radius * rng.uniform(0.3, 0.55))), 0, -1)


def _drops(rng: Generator, size: int) -> np.ndarray:
    """Bars and strokes laid down drop by drop: edges are scalloped; float32 0..1."""
    unit = size / 256
    pitch = max(2.2, rng.uniform(4, 9) * unit)
    axis = np.arange(int(size / pitch) + 3)
    layout = np.zeros((len(axis), len(axis)), bool)
    at = int(rng.integers(0, 4))
    while at < len(axis):
        thick = int(rng.integers(1, 6))
        layout[:, at : at + thick] = True
        at += thick + int(rng.integers(2, 8))
    if rng.random() < 0.3:
        layout &= np.arange(len(axis))[:, None] % int(rng.integers(5, 14)) > 1
    rows, columns = np.nonzero(layout)
    spots = np.c_[columns, rows] * pitch + rng.normal(0, 0.12 * pitch, (len(rows), 2))
    return np.rot90(_coalesced(rng, size, spots, pitch), int(rng.integers(0, 4))).copy()


def _coalesced(rng: Generator, size: int, spots: np.ndarray, pitch: float) -> np.ndarray:
    """Ink where soft drops at the spots [n, 2] px add up to a layer, float32 [size, size] 0..1."""
    scale, margin = 2, 8
    wet: np.ndarray = np.zeros((scale * size + 2 * margin, scale * size + 2 * margin), np.float32)
    places = np.clip(np.rint(spots * scale).astype(int) + margin, 0, len(wet) - 1)
    drops = rng.uniform(0.85, 1.15, len(spots)) * (scale * pitch) ** 2
    np.add.at(wet, (places[:, 1], places[:, 0]), drops.astype(np.float32))
    wet = cv2.GaussianBlur(wet, (0, 0), 0.42 * scale * pitch)[margin:-margin, margin:-margin]
    ink = np.clip((wet - 0.35) * np.float32(1.1 * pitch), 0, 1)
    return cv2.resize(ink, (size, size), interpolation=cv2.INTER_AREA)

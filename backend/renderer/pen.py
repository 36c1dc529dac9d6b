"""A pen that draws antialiased lines and facets into the layers of a sketch."""

import cv2
import numpy as np

from backend.renderer.lighting import Light

GLINT = 1  # channel of the layers: dark, glint, haze


class Pen:
    """Collects lines and facets and draws them, antialiased, at sub-pixel places."""

    def __init__(self, size: int) -> None:
        self.size, self.scale = size, 2 if size <= 512 else 1
        self.facets: list[tuple[np.ndarray, tuple[float, float, float]]] = []
        self.lines: list[np.ndarray] = []  # [n, 8]: x0 y0 x1 y1 width dark glint haze

    def facet(self, corners: np.ndarray, dark: float, glint: float, haze: float = 0.0) -> None:
        """Filled polygon [n, 2] px."""
        self.facets.append((corners, (dark * 255, glint * 255, haze * 255)))

    def line(
        self,
        points: np.ndarray,
        width: float | np.ndarray,
        dark: float | np.ndarray,
        glint: float | np.ndarray,
        haze: float | np.ndarray = 0.0,
    ) -> None:
        """Polylines [..., n, 2] px; width (px) and the layers (0..1): scalars or [..., n - 1]."""
        parts = np.empty((*points.shape[:-2], points.shape[-2] - 1, 8))
        parts[..., :2], parts[..., 2:4] = points[..., :-1, :], points[..., 1:, :]
        for column, value in zip((4, 5, 6, 7), (width, dark, glint, haze), strict=True):
            parts[..., column] = value
        self.lines.append(parts.reshape(-1, 8))

    def layers(self, light: Light) -> np.ndarray:
        """float32 [H, W, 3]; the lit side of each line lies half a px towards the light."""
        side = self.size * self.scale
        canvas = np.zeros((side, side, 3), np.uint8)
        for corners, colour in self.facets:
            place = (corners * (self.scale * 16)).astype(np.int32)
            cv2.fillPoly(canvas, [place], colour, cv2.LINE_AA, 4)
        if self.lines:
            self._draw_lines(canvas)
        dx, dy = (round(v * self.scale) for v in light.direction)
        lit = cv2.copyMakeBorder(canvas[..., GLINT], 2, 2, 2, 2, cv2.BORDER_REPLICATE)
        canvas[..., GLINT] = lit[2 - dy : 2 - dy + side, 2 - dx : 2 - dx + side]
        small = cv2.resize(canvas, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return np.multiply(small, np.float32(1 / 255), dtype=np.float32)

    def _draw_lines(self, canvas: np.ndarray) -> None:
        """Faint before strong, so that a crossing keeps the stronger line."""
        parts = np.concatenate(self.lines)
        x0, y0, x1, y1 = np.abs(parts[:, :4].T - self.size / 2)
        reach = self.size + 50.0
        parts = parts[(x0 < reach) & (y0 < reach) & (x1 < reach) & (y1 < reach)]
        parts = parts[np.argsort(np.maximum(parts[:, 5], parts[:, 6]), kind="stable")]
        wide = parts[:, 4] * self.scale
        thin = np.clip(wide, 0.15, 1)[:, None]  # a line below one px is drawn paler, not thinner
        colours = (np.clip(parts[:, 5:8], 0, 1) * thin * 255).tolist()
        places = (parts[:, :4] * (self.scale * 16)).astype(np.int64).tolist()
        widths = np.maximum(1, np.rint(wide)).astype(int).tolist()
        for (x0, y0, x1, y1), width, colour in zip(places, widths, colours, strict=True):
            cv2.line(canvas, (x0, y0), (x1, y1), colour, width, cv2.LINE_AA, 4)

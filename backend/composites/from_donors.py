"""Copy and paste: real defects of labelled images put on photographs of good parts.

Ghiasi et al., arXiv 2012.07177, found plain pasting a strong augmentation; the cut-out is matched
here to the brightness and colour of where it goes.
"""

import cv2
import numpy as np
from numpy.random import Generator

from backend.composites import blending, fit_in
from backend.composites.change import Proposal
from backend.composites.donors import Donors

WAYS = {"alpha": blending.alpha, "poisson": blending.poisson}


class Pasted:
    """Donors as a maker. blending: alpha, poisson or both, drawn for each defect."""

    tries = 6

    def __init__(self, donors: Donors, blend: str, freedom: fit_in.Freedom):
        self.donors = donors
        self.ways = tuple(WAYS) if blend == "both" else (blend,)
        self.freedom = freedom

    def propose(
        self, random: Generator, pixels: np.ndarray, allowed: np.ndarray, emphasis: float
    ) -> Proposal | None:
        """One defect of a random donor, turned, scaled and blended in."""
        way = str(random.choice(self.ways))
        piece = self.donors.piece(int(random.integers(len(self.donors))))
        if piece is None:
            return None
        scale = fit_in.edge_of(random, self.freedom, pixels.shape) / piece.edge
        layers = np.dstack([piece.ratio - 1, piece.alpha])
        layers = fit_in.turned(random, self.freedom, layers, scale)
        drawn = layers[..., 3] > 0.25
        placed = fit_in.put(random, drawn, allowed)
        if placed is None:
            return None
        window, part = placed
        before = pixels[window].astype(np.float32) / 255
        width = 2 * max(1, round(0.02 * piece.edge * scale)) + 1
        local = cv2.blur(before, (width, width))
        around = np.clip(2 * cv2.GaussianBlur(drawn[part].astype(np.float32), (0, 0), 0.8), 0, 1)
        matched = np.clip(local * (1 + layers[part][..., :3] * around[..., None]), 0, 1)
        changed = WAYS[way](before, matched, drawn[part])
        record = {"blending": way, "donor": piece.donor, "scale": round(scale, 3)}
        return Proposal(window, changed, drawn[part], piece.class_name, record, most_gain=2.0)

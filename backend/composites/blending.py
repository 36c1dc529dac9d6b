"""A cut-out laid over a photograph: feathered, or with its gradients (Poisson)."""

import cv2
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1))


def alpha(before: np.ndarray, piece: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Piece over picture, both float32 [h, w, 3] 0..1, with a soft edge about mask bool [h, w]."""
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)
    weight = np.maximum(soft, mask * np.float32(0.9))[..., None]
    return before + weight * (piece - before)


def poisson(before: np.ndarray, piece: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The piece's gradients within the mask, the picture's brightness at its border.

    float32 [h, w, 3] 0..1 and bool [h, w], which is grown by 2 px so that its border lies on
    ground. Pérez, Gangnet, Blake: Poisson image editing, SIGGRAPH 2003. As they note, the
    difference to the piece is harmonic: it is solved for with four neighbours a pixel.
    """
    inside = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))
    inside = np.pad(inside > 0, 1)
    offset = np.pad(before - piece, ((1, 1), (1, 1), (0, 0)), mode="edge").astype(np.float64)
    number = np.full(inside.shape, -1)
    number[inside] = np.arange(inside.sum())
    known = np.zeros((int(inside.sum()), 3))
    links = []
    for step in NEIGHBOURS:
        beside = np.roll(number, step, (0, 1))[inside]
        known += np.where(beside[:, None] < 0, np.roll(offset, step, (0, 1))[inside], 0)
        links.append((np.flatnonzero(beside >= 0), beside[beside >= 0]))
    rows, columns = (np.concatenate(side) for side in zip(*links, strict=True))
    count = len(known)
    system = sparse.coo_matrix((-np.ones(len(rows)), (rows, columns)), (count, count))
    system = (system + 4 * sparse.identity(count)).tocsc()
    solved = offset
    solved[inside] = splu(system).solve(known)
    merged = before.astype(np.float64)
    core = inside[1:-1, 1:-1]
    merged[core] = (piece + solved[1:-1, 1:-1])[core]
    return merged.astype(np.float32)

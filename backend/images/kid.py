"""How far made images are from real ones as sets, and as pairs, on fixed features.

No pretrained network is needed: the features are fixed wavelets (scattering, Bruna & Mallat, arXiv
1203.1513) and colours. So figures compare within this program, not with other papers'. Heavy
(torch): import it inside a job.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.numeric.scattering import Scattering

CHUNK = 64
CLIP = 3.0
RQ_SHAPES = (0.2, 0.5, 1.0, 2.0, 5.0)
NEIGHBOURS = 5
Features = NDArray[np.float64]  # [N, D]


@torch.inference_mode()
def features(images: NDArray[np.uint8]) -> Features:
    """One row an image of uint8 [N, S, S, 3]: mean and spread over the image of each wavelet
    energy, and of each colour; float [N, 128]."""
    network = Scattering().eval()
    rows = []
    for start in range(0, len(images), CHUNK):
        batch = _batch(images[start : start + CHUNK])
        maps = network(batch).flatten(2)
        colours = batch.flatten(2)
        rows.append(torch.cat([x for m in (maps, colours) for x in (m.mean(2), m.std(2))], 1))
    return torch.cat(rows).double().numpy()


def _batch(images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


@torch.inference_mode()
def maps(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Wavelet energies of uint8 [N, S, S, 3] place by place: float [N, 61, S/16, S/16]."""
    network = Scattering().eval()
    parts = [network(_batch(images[k : k + CHUNK])) for k in range(0, len(images), CHUNK)]
    return torch.cat(parts).numpy()


def wavelet_distance(
    first: NDArray[np.float32], second: NDArray[np.float32], real: NDArray[np.float32]
) -> NDArray[np.float64]:
    """How different pairs look [N], from their `maps` [N, C, h, w], as LPIPS (arXiv 1801.03924)
    but on fixed wavelets: 0 the same, about 1 for two unrelated real images.

    Each wavelet counts in units of its spread over real images (`real`, maps of some).
    """
    spread = real.std((0, 2, 3), keepdims=True) + 1e-6
    return (((first - second) / spread) ** 2).mean((1, 2, 3), dtype=np.float64) / 2


@dataclass(frozen=True)
class Distance:
    """A kernel inception distance with its 95 % interval."""

    value: float
    low: float
    high: float


def kid(made: Features, real: Features) -> float:
    """1000 × the squared maximum mean discrepancy of two sets of features; see `kid_interval`."""
    return kid_interval(made, real).value


def kid_interval(made: Features, real: Features) -> Distance:
    """1000 × the squared maximum mean discrepancy of two sets of features, as in the kernel
    inception distance (Bińkowski et al., arXiv 1801.01401), unbiased: 0 for sets alike, it may
    fall a little below; 2000 at most. Raises ValueError under three images.

    Features are scaled by the real ones' mean and deviation and cut at three deviations, and the
    kernel is the mean of rational quadratics (same paper, section 4): with the usual cubic kernel
    a few odd images decide, and two sets of 200 renders scatter by a fifteenth of the mean
    image's distance instead of a six-hundredth. Interval: jackknife over both sets; for sets
    alike it is too wide rather than too narrow.
    """
    if min(len(made), len(real)) < 3:
        raise ValueError("kid needs at least three images in each set")
    x, y = _scaled(made, real)
    own_x, own_y, cross = _others(_kernel(x, x)), _others(_kernel(y, y)), _kernel(x, y)
    value = _discrepancy(own_x.sum(), own_y.sum(), cross.sum(), len(x), len(y))
    left = own_x.sum() - 2 * own_x, own_y.sum() - 2 * own_y
    without_x = _discrepancy(left[0], own_y.sum(), cross.sum() - cross.sum(1), len(x) - 1, len(y))
    without_y = _discrepancy(own_x.sum(), left[1], cross.sum() - cross.sum(0), len(x), len(y) - 1)
    error = np.sqrt(sum((len(w) - 1) * w.var() for w in (without_x, without_y)))
    return Distance(float(value), float(value - 1.96 * error), float(value + 1.96 * error))


def _scaled(made: Features, real: Features) -> tuple[Features, Features]:
    centre, scale = real.mean(0), real.std(0) + 1e-9
    x, y = (((v - centre) / scale).clip(-CLIP, CLIP) for v in (made, real))
    return x, y


def _squares(a: Features, b: Features) -> Features:
    """Mean squared difference of every two rows [N, M]."""
    return np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T, 0) / a.shape[1]


def _kernel(a: Features, b: Features) -> Features:
    squares = _squares(a, b)
    return np.mean([(1 + squares / (2 * shape)) ** -shape for shape in RQ_SHAPES], axis=0)


def _others(kernel: Features) -> Features:
    """Sum over the other images of each image's kernel [N]."""
    return np.asarray(kernel.sum(1) - np.diag(kernel))


def _discrepancy(own_x: Any, own_y: Any, cross: Any, n: int, m: int) -> Any:
    return 1000 * (own_x / (n * (n - 1)) + own_y / (m * (m - 1)) - 2 * cross / (n * m))


@dataclass(frozen=True)
class Spread:
    """Whether each made image lies among the real ones, and the other way round.

    precision bool [N], recall bool [M] (Kynkäänniemi et al., arXiv 1904.06991); density float [N],
    coverage bool [M] (Naeem et al., arXiv 2002.09797).
    """

    precision: NDArray[np.bool_]
    recall: NDArray[np.bool_]
    density: NDArray[np.float64]
    coverage: NDArray[np.bool_]


def spread(made: Features, real: Features) -> Spread:
    """Neighbourhoods of k = 5 images, or fewer in a small set, on features [N, D] and [M, D]."""
    x, y = _scaled(made, real)
    between = np.sqrt(_squares(x, y))
    around_x, around_y = _radii(x), _radii(y)
    within = between < around_y
    k = min(NEIGHBOURS, len(real) - 1)
    return Spread(
        precision=np.asarray(within.any(1)),
        recall=np.asarray((between < around_x[:, None]).any(0)),
        density=within.sum(1) / k,
        coverage=between.min(0) < around_y,
    )


def _radii(rows: Features) -> NDArray[np.float64]:
    """Distance of each row to its k-th nearest other one."""
    distances = np.sort(np.sqrt(_squares(rows, rows)), axis=1)
    return np.asarray(distances[:, min(NEIGHBOURS, len(rows) - 1)])

"""How far made images are from real ones as sets: the kernel inception distance (KID).

No pretrained network is needed: the features are fixed wavelets (scattering, Bruna & Mallat, arXiv
1203.1513) and colours. So figures compare within this program, not with other papers'. Heavy
(torch): import it inside a job.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from backend.inspection.features import Scattering

CHUNK = 64


@torch.inference_mode()
def features(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """One row an image of uint8 [N, S, S, 3]: mean and spread over the image of each wavelet
    energy, and of each colour; float [N, 128]."""
    network = Scattering().eval()
    rows = []
    for start in range(0, len(images), CHUNK):
        batch = torch.from_numpy(images[start : start + CHUNK]).permute(0, 3, 1, 2).float() / 255
        maps = network(batch).flatten(2)
        colours = batch.flatten(2)
        rows.append(torch.cat([x for m in (maps, colours) for x in (m.mean(2), m.std(2))], 1))
    return torch.cat(rows).double().numpy()


def kid(made: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    """1000 × the squared maximum mean discrepancy of two sets of features (Bińkowski et al., arXiv
    1801.01401): unbiased, kernel (x·y / d + 1)³, features scaled by the real ones' mean and
    deviation. 0 for sets alike; it may fall a little below. Raises ValueError under two images.
    """
    if min(len(made), len(real)) < 2:
        raise ValueError("kid needs at least two images in each set")
    centre, scale = real.mean(0), real.std(0) + 1e-9
    x, y = (made - centre) / scale, (real - centre) / scale

    def kernel(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((a @ b.T / a.shape[1] + 1) ** 3)

    def among(a: NDArray[np.float64]) -> float:
        own = kernel(a, a)
        return float((own.sum() - np.trace(own)) / (len(a) * (len(a) - 1)))

    return 1000 * (among(x) + among(y) - 2 * float(kernel(x, y).mean()))

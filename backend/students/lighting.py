"""The light of a picture, and how a sample gets that of another (Reinhard et al. 2001, in RGB).

numpy only, so that painting needs no PyTorch.
"""

import numpy as np
from numpy.typing import NDArray

SIZE = 6
MOST_CONTRAST = 0.25  # of the logarithm of the contrast: a faint scene is not blown up to a glaring
FLAT = 0.02
REACH = 5  # a scene takes light and defect of scenes within a fifth of all in brightness

Light = NDArray[np.float32]


def measured(images: NDArray[np.uint8]) -> Light:
    """The light of images [N, S, S, 3]: median colour in 0…1 and logarithm of its spread [N, 6]."""
    count, height, width, _ = images.shape
    pixels = images.reshape(count, height * width, 3) / 255
    spread = np.log(pixels.std(1) + FLAT)
    return np.concatenate([np.median(pixels, 1), spread], 1).astype(np.float32)


def reach(count: int) -> int:
    """How many ranks of brightness, of `count` scenes, light and defect may come from."""
    return max(1, count // REACH)


def change(own: Light, other: Light, share: float = 1.0) -> Light:
    """What takes pictures from their own light [..., 6] the way to another's, or a share of it:
    logarithm of the gain and shift of each colour [..., 6]; zeros leave a picture as it is."""
    contrast = share * (other[..., 3:] - own[..., 3:])
    gain = contrast.clip(-MOST_CONTRAST, MOST_CONTRAST)
    wanted = own[..., :3] + share * (other[..., :3] - own[..., :3])
    return np.concatenate([gain, wanted - own[..., :3] * np.exp(gain)], -1, dtype=np.float32)

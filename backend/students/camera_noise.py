"""The camera's noise as students draw it: white noise in octaves, each as strong as learned.

Noise that went through a lens, a JPEG and a resize is not white: each octave has its own strength.
numpy only, so that painting needs no PyTorch.
"""

import numpy as np

OCTAVES = 3
GAINS = (1.0, 2.8, 4.0)
# power that `losses.log_noise` sees at full, half and quarter size (rows) of each octave (columns)
SEEN = np.array([[1.0, 0.03, 0.01], [0.25, 1.0, 0.024], [0.0625, 0.563, 1.0]])
CHROMA = 0.5


def drawn(random: np.random.Generator, size: int) -> np.ndarray:
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

"""The GOOD parts most like a part, by the features its model saw."""

from pathlib import Path

import numpy as np

from backend.inspection.model.folds import Data
from backend.inspection.model.scoring import Floats

FILE = "artifacts/embeddings.npz"
CELLS, DIMS = 2, 64  # a part's features are averaged over 2 x 2 cells, then 64 components kept


def save(data: Data, maps: Floats | None, out_dir: Path) -> None:
    """Write artifacts/embeddings.npz: part [N], feature [N], good [N], vector [N, D] float16.

    maps: feature maps [N, C, G, G]; None (each fold has its own) takes the small grey pictures.
    """
    seen = maps if maps is not None else _small_pictures(data)
    vectors = _components(_pooled(seen), data.good)
    target = out_dir / FILE
    target.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        target,
        part=data.frame["part"].to_numpy(str),
        feature=data.frame["feature"].to_numpy(str),
        good=data.good,
        vector=vectors.astype(np.float16),
    )


def _small_pictures(data: Data, edge: int = 8) -> Floats:
    """[N, edge², CELLS, CELLS]: each cell's grey values at edge x edge, in place of features."""
    n, size = data.crops.shape[:2]
    step, fine = size // (edge * CELLS), edge * CELLS
    grey = data.crops[:, : fine * step, : fine * step].mean(-1, dtype=np.float32)
    small = grey.reshape(n, fine, step, fine, step).mean((2, 4))
    cells = small.reshape(n, CELLS, edge, CELLS, edge).transpose(0, 2, 4, 1, 3)
    return cells.reshape(n, edge * edge, CELLS, CELLS)


def _pooled(maps: Floats) -> Floats:
    """[N, C, G, G] -> [N, C * CELLS²]: mean over each cell of the grid."""
    rows = [
        part for half in np.array_split(maps, CELLS, 2) for part in np.array_split(half, CELLS, 3)
    ]
    return np.concatenate([cell.mean((2, 3)) for cell in rows], axis=1).astype(np.float32)


def _components(vectors: Floats, good: np.ndarray) -> Floats:
    """[N, K] -> [N, D]: principal components of the GOOD parts' standardised values."""
    chosen = vectors[good] if good.any() else vectors
    scaled = (vectors - chosen.mean(0)) / (chosen.std(0) + 1e-6)
    _, _, basis = np.linalg.svd(scaled[good] if good.any() else scaled, full_matrices=False)
    found: Floats = scaled @ basis[:DIMS].T
    return found


def nearest(inspect_folder: Path, part: str, count: int = 4) -> list[str]:
    """The nearest GOOD parts of the same feature type, nearest first.

    Empty where the run kept no embeddings or does not know the part.
    """
    path = inspect_folder / FILE
    if not path.is_file():
        return []
    with np.load(path) as kept:
        names, vectors = kept["part"], kept["vector"].astype(np.float32)
        features, good = kept["feature"], kept["good"]
    found = np.flatnonzero(names == part)
    if not len(found):
        return []
    asked = found[0]
    others = np.flatnonzero(good & (features == features[asked]) & (names != part))
    distances = np.linalg.norm(vectors[others] - vectors[asked], axis=1)
    order = np.argsort(distances, kind="stable")[:count]
    return [str(name) for name in names[others[order]]]

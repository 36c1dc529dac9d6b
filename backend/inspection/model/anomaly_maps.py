"""Pictures of anomaly maps: the crop in grey, and in orange where the model sees a defect."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.core import runs
from backend.inspection.inspect_part import overlay
from backend.inspection.model.folds import Data, Scored

SHOWN = 6  # anomaly maps drawn of each kind


def draw(data: Data, scored: list[Scored], out_dir: Path) -> None:
    """Keep every out-of-fold map of the diffusion, and draw the telling ones over their pictures.

    artifacts/maps.npz: part [N], map [N, G, G], score [N] of the first repeat.
    artifacts/maps/: the pictures; artifacts/maps.json: their kind, part and score.
    """
    first = [one for one in scored if one.fold.repeat == 0]
    index = np.concatenate([one.fold.test for one in first])
    maps = np.concatenate([one.maps["diffusion"] for one in first])
    scores = np.concatenate([one.scores["diffusion"] for one in first])
    names = data.frame["part"].to_numpy(str)[index]
    np.savez_compressed(out_dir / "artifacts" / "maps.npz", part=names, map=maps, score=scores)
    (out_dir / "artifacts" / "maps").mkdir(exist_ok=True)
    rows = []
    for kind, chosen in _telling(scores, data.good[index]).items():
        for rank, i in enumerate(chosen, start=1):
            path = f"artifacts/maps/{kind}-{rank}.png"
            overlay(data.crops[index[i]], maps[i]).save(out_dir / path)
            rows.append(
                {"kind": kind, "path": path, "part": str(names[i]), "score": float(scores[i])}
            )
    runs.write_json(out_dir / "artifacts" / "maps.json", {"maps": rows})


def _telling(scores: NDArray[np.float32], good: NDArray[np.bool_]) -> dict[str, NDArray[np.intp]]:
    """Up to `SHOWN` parts of each kind.

    found: BAD, highest score first; missed: BAD, lowest first; alarm: GOOD, highest first.
    """
    order = np.argsort(scores)
    bad_order, good_order = order[~good[order]], order[good[order]]
    return {
        "found": bad_order[::-1][:SHOWN],
        "missed": bad_order[:SHOWN],
        "alarm": good_order[::-1][:SHOWN],
    }


def of_part(inspect_folder: Path, part: str) -> NDArray[np.float32] | None:
    """A part's out-of-fold map [G, G] of z-scores; None where the run kept none of it."""
    path = inspect_folder / "artifacts" / "maps.npz"
    if not path.is_file():
        return None
    with np.load(path) as kept:
        found = np.flatnonzero(kept["part"] == part)
        return kept["map"][found[0]].astype(np.float32) if len(found) else None

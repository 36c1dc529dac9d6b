"""Where the defect is: pixel figures of the out-of-fold maps, from the masks that parts bring.

Heavy (torch). GOOD parts are normal in every pixel. A BAD part counts where its mask marks
something; one without a mask is left out, for nobody knows which of its pixels are normal.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from backend.images import imagefiles
from backend.inspection.model import pixel_figures
from backend.inspection.model.features import Tick, no_tick
from backend.inspection.model.folds import Data, Scored
from backend.inspection.model.pixel_figures import Counts
from backend.inspection.model.scoring import Floats
from backend.numeric import statistics
from backend.records import Label

MEAN = "mean over types"
BATCH = 64  # parts in memory at once
LOOKED_AT = 128  # GOOD and BAD parts that the bins are chosen by


def rows(
    data: Data,
    scored: list[Scored],
    parts_folder: Path,
    draws: int,
    seed: int,
    tick: Tick = no_tick,
) -> list[dict[str, Any]]:
    """Rows of the table `localisation`: every method with maps on every type with masks.

    Intervals: bootstrap over the parts' groups, the same draws for all. The last row of a method
    is the mean over its types.
    """
    marked = _marked(data, parts_folder)
    if not (marked & ~data.good).any():
        return []
    weights = statistics.bootstrap_weights(data.frame["group"], seed, draws)
    maps = _first_maps(data, scored)
    found: list[dict[str, Any]] = []
    by_type: dict[str, list[dict[str, NDArray[np.float64]]]] = {m: [] for m in maps}
    for t, name in enumerate(data.names):
        tick(t / len(data.names), f"pixel figures of {name}")
        chosen = np.flatnonzero(marked & (data.types == t))
        if data.good[chosen].all():
            continue
        about = {"feature": name, **_counted(data, chosen)}
        for method, counts in _counts(data, maps, chosen, parts_folder, weights).items():
            figures = pixel_figures.figures(counts)
            by_type[method].append(figures)
            regions = {"regions": int(counts.regions[0])}
            found.append({"method": method, **about, **regions, **pixel_figures.summary(figures)})
    return found + list(_means(found, by_type))


def _marked(data: Data, folder: Path) -> NDArray[np.bool_]:
    """Which parts [N] count: GOOD ones, and BAD ones with a mask that marks something."""
    masked = [
        isinstance(row.mask_path, str) and row.area != 0 and (folder / row.mask_path).is_file()
        for row in data.frame.itertuples()
    ]
    return data.good | np.array(masked, bool)


def _counted(data: Data, chosen: NDArray[np.intp]) -> dict[str, int]:
    n_good = int(data.good[chosen].sum())
    return {"n_good": n_good, "n_bad": len(chosen) - n_good}


def _first_maps(data: Data, scored: list[Scored]) -> dict[str, Floats]:
    """Method -> maps [N, G, G] of the first repeat, in the order of `data`."""
    first = [one for one in scored if one.fold.repeat == 0]
    order = np.argsort(np.concatenate([one.fold.test for one in first]))
    return {m: np.concatenate([one.maps[m] for one in first])[order] for m in first[0].maps}


def _counts(
    data: Data,
    maps: Mapping[str, Floats],
    chosen: NDArray[np.intp],
    folder: Path,
    weights: NDArray[np.int64],
) -> dict[str, Counts]:
    """Method -> pixels of the chosen parts by bin; each mask is read once."""
    size = data.crops.shape[1]
    made = {
        method: Counts.of(_edges(data, each, chosen, size), len(weights))
        for method, each in maps.items()
    }
    for piece in _pieces(chosen):
        regions = pixel_figures.regions_of(_masks(data, piece, folder, size))
        for method, counts in made.items():
            counts.add(upsampled(maps[method][piece], size), regions, weights[:, piece])
    return made


def _edges(data: Data, maps: Floats, chosen: NDArray[np.intp], size: int) -> NDArray[np.float32]:
    sides = [chosen[data.good[chosen]], chosen[~data.good[chosen]]]
    some = [side[:: 1 + len(side) // LOOKED_AT] for side in sides]
    return pixel_figures.bin_edges(*(upsampled(maps[side], size) for side in some))


def _pieces(chosen: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(chosen), BATCH):
        yield chosen[start : start + BATCH]


def upsampled(maps: Floats, size: int) -> Floats:
    """Maps [N, G, G] at the size of the crops [N, size, size], bilinear."""
    if not len(maps):
        return np.zeros((0, size, size), np.float32)
    wanted = F.interpolate(
        torch.from_numpy(maps)[:, None], size=(size, size), mode="bilinear", align_corners=False
    )
    return np.asarray(wanted[:, 0])


def _masks(data: Data, chosen: NDArray[np.intp], folder: Path, size: int) -> NDArray[np.bool_]:
    """[n, size, size] True where a defect is marked; nothing on GOOD parts."""
    masks = np.zeros((len(chosen), size, size), bool)
    for i, row in enumerate(data.frame.iloc[chosen].itertuples()):
        if row.label != int(Label.GOOD):
            masks[i] = shrunk(imagefiles.read_mask(folder / str(row.mask_path)), size)
    return masks


def shrunk(mask: NDArray[np.uint8], size: int) -> NDArray[np.bool_]:
    """[size, size] True where half of a pixel is marked; any of it, where that leaves nothing."""
    share = Image.fromarray(mask).resize((size, size), Image.Resampling.BOX)
    found = np.asarray(share)
    return found >= 128 if (found >= 128).any() else found > 0


def _means(
    found: list[dict[str, Any]], by_type: Mapping[str, list[dict[str, NDArray[np.float64]]]]
) -> Iterator[dict[str, Any]]:
    """A row a method: the mean of its figures over the types, where there are several."""
    for method, figures in by_type.items():
        if len(figures) < 2:
            continue
        mine = [row for row in found if row["method"] == method]
        total = {name: sum(row[name] for row in mine) for name in ("n_good", "n_bad", "regions")}
        mean = {name: np.mean([one[name] for one in figures], axis=0) for name in figures[0]}
        yield {"method": method, "feature": MEAN, **total, **pixel_figures.summary(mean)}

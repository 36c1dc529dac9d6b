"""Copies among parts, and those that lie in two groups, so that a fold could leak."""

import numpy as np
import pandas as pd

from backend.images import duplicates

LEAST_FOR_MEAN = 10  # parts of a type from which its mean picture is taken off


def exact(digests: pd.Series, names: pd.Series) -> pd.Series:
    """For each part the first part with the same pixels, None where it is the first itself."""
    first = names.groupby(digests).transform("first")
    return first.where(first != names, None)


def near(greys: np.ndarray, features: pd.Series) -> np.ndarray:
    """The group of alike parts of each [N], 0 where nothing is like it; greys [N, 32, 32].

    Parts of one type look alike by design, so what is compared is how each differs from the mean
    of its type. On 399 simulated prints none is taken for a copy of another, while of 20 copies a
    type all are found that were made 15 grey levels brighter, noisier, three quarters as large or
    saved as JPEG 70. A copy that is shifted, turned or far smaller is not found.
    """
    found = np.zeros(len(greys), dtype=np.int64)
    for _, index in features.reset_index(drop=True).groupby(features.to_numpy()).groups.items():
        mine = greys[index]
        if len(mine) >= LEAST_FOR_MEAN:
            mine = mine - mine.mean(axis=0)
        numbers = np.array(duplicates.groups(mine))
        found[index] = np.where(numbers > 0, numbers + found.max(), 0)
    return found


def torn(parts: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """True for each part that has an exact copy in another group, and for each other part that
    looks almost the same as one there. parts: digest, near_group, group."""
    copied = _in_several(parts["digest"], parts["group"])
    return copied, _in_several(_alike(parts), parts["group"]) & ~copied


def joined(parts: pd.DataFrame) -> pd.Series:
    """The group of each part once groups that share a copy or a look-alike are one, by turns.

    It is called as the first of them, so no new name can meet one that is in use.
    parts: digest, near_group, group.
    """
    group, names = pd.factorize(parts["group"])
    links, nodes = [], len(names)
    for keys in (parts["digest"], _alike(parts)):
        key, distinct = pd.factorize(keys)
        known = key >= 0
        links.append(np.stack([group[known], key[known] + nodes]))
        nodes += len(distinct)
    rows, columns = np.concatenate(links, axis=1)
    component = duplicates.linked(nodes, rows, columns)[group]
    return parts["group"].groupby(component).transform("first")


def _alike(parts: pd.DataFrame) -> pd.Series:
    """The number of the look-alikes a part belongs to, missing where nothing is like it."""
    return parts["near_group"].where(parts["near_group"] > 0)


def _in_several(keys: pd.Series, groups: pd.Series) -> pd.Series:
    """True where parts of one key lie in more than one group; a missing key never."""
    return (groups.groupby(keys).transform("nunique") > 1).fillna(False).astype(bool)

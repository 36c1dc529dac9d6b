"""Which images of a data set belong together, and which split each goes to."""

from collections.abc import Sequence

import numpy as np

from backend.images import duplicates


def joined(groups: Sequence[str], greys: Sequence[np.ndarray], seen: Sequence[int]) -> np.ndarray:
    """Numbers [N] of what belongs together: one specimen, or near-duplicates, or both by turns.

    groups: the specimen of each image [N]. greys: small pictures of the images at the places
    `seen`; the others are like nothing.
    """
    alike = duplicates.groups(np.stack(greys)) if greys else []
    first: dict[object, int] = {}
    links = [(place, first.setdefault(group, place)) for place, group in enumerate(groups)]
    for place, number in zip(seen, alike, strict=True):
        if number:
            links.append((place, first.setdefault(number, place)))
    rows, columns = zip(*links, strict=True)
    return duplicates.linked(len(groups), rows, columns)


def divided(
    members: np.ndarray, source: np.ndarray, share: float, seed: int, held: Sequence[int] = ()
) -> list[str]:
    """train or val for each image, whole groups at a time, about `share` of each source in val.

    members: number of each image's group [N]. source: number of its source [N]. A source whose
    images are one group stays whole in train. held: sources that are in val whole, with every
    image elsewhere that is of a group of theirs.
    """
    random = np.random.default_rng(seed)
    held_out: set[int] = set(members[np.isin(source, held)].tolist())
    for number in np.setdiff1d(source, held):
        mine = members[source == number]
        names, sizes = np.unique(mine, return_counts=True)
        size_of = dict(zip(names.tolist(), sizes.tolist(), strict=True))
        wanted = max(1, round(share * len(mine)))
        for name in random.permutation(names).tolist():
            out = held_out & size_of.keys()
            if sum(size_of[n] for n in out) < wanted and len(out) < len(names) - 1:
                held_out.add(name)
    return ["val" if member in held_out else "train" for member in members.tolist()]

"""What a student invents, as a set: like the teacher's, sharp, diverse, no copies, true masks.

Heavy (torch): import it inside a job.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.images import imagefiles, kid, measures
from backend.images.measures import Images, Masks
from backend.students.similarity import figures, neighbours
from backend.students.similarity.figures import Row
from backend.students.similarity.references import Reference

SAMPLES, MEAN = "samples", "mean image"
SHOWN = 24


def likeness(name: str, shown: Images, reference: Reference, seed: int) -> list[Row]:
    """Rows of `figures` of a named set against the reference: KID, precision, recall, density,
    coverage, sharpness, high frequencies, diversity."""
    found = _as_a_set(name, kid.features(shown), reference.features, seed)
    for metric, measure in (
        ("sharpness", measures.sharpness),
        ("high frequencies", measures.high_frequencies),
    ):
        found.append(figures.ratio(name, metric, measure(shown), measure(reference.real), seed))
    found.append(figures.diversity(name, shown, reference.real, seed))
    return found


def _as_a_set(name: str, made: kid.Features, real: kid.Features, seed: int) -> list[Row]:
    distance, spread = kid.kid_interval(made, real), kid.spread(made, real)
    return [
        figures.row(name, "KID", distance.value, distance.low, distance.high, len(made)),
        figures.share(name, "precision", spread.precision),
        figures.share(name, "recall", spread.recall),
        figures.mean(name, "density", spread.density, seed),
        figures.share(name, "coverage", spread.coverage),
    ]


def copying(sets: dict[str, Images], training: Images) -> list[Row]:
    """Rows of `figures`: the share of each set that is no copy of a training image.

    `not copies` allows what the nearest two of a hundred training images are apart; `not copies,
    all pairs` asks for more: what the nearest hundredth of all pairs of them are apart.
    """
    limits = neighbours.least_distances(training)
    found = [_limit(*each, len(training)) for each in zip(LIMITS, limits, strict=True)]
    for name, shown in sets.items():
        distance = neighbours.nearest(shown, training).distance
        found.append(figures.share(name, "not copies", distance > limits[0]))
        found.append(figures.share(name, "not copies, all pairs", distance > limits[1]))
    return found


LIMITS = ("least distance", "least distance, all pairs")


def _limit(metric: str, value: float, n: int) -> Row:
    """A limit that counts as given, in grey levels: it has no interval."""
    return {"subject": "training images", "metric": metric, "value": value, "n": n}


def neighbour_rows(
    samples: Images, seeds: list[int], training: Images, names: NDArray[np.str_], out_dir: Path
) -> list[Row]:
    """Rows of `neighbours`, the nearest first; of those that lead, the pictures are written.

    names [N]: of the training images.
    """
    near = neighbours.nearest(samples, training)
    limit = neighbours.least_distances(training)[0]
    rows: list[Row] = []
    for place in np.argsort(near.distance, kind="stable"):
        paths: tuple[str | None, str | None] = (None, None)
        if len(rows) < SHOWN:
            paths = tuple(f"artifacts/{w}/{place:05d}.png" for w in ("samples", "nearest"))  # type: ignore[assignment]
            nearest = neighbours.turned(training[near.place[place]], int(near.turn[place]))
            for path, pixels in zip(paths, (samples[place], nearest), strict=True):
                imagefiles.write(out_dir / str(path), np.ascontiguousarray(pixels))
        rows.append(
            {
                "sample": int(place),
                "seed": seeds[place],
                "nearest_image": str(names[near.place[place]]),
                "turn": int(near.turn[place]),
                "distance": float(near.distance[place]),
                "copy": bool(near.distance[place] <= limit),
                "sample_path": paths[0],
                "nearest_path": paths[1],
            }
        )
    return rows


def mask_contrast(
    samples: Images, masks: Masks, teachers: Images, exact: Masks, seed: int
) -> list[Row]:
    """Rows of `figures`: does the mask cover what differs from the background? For samples, for
    the teacher's images with their own masks, and for samples with each other's masks."""
    sets: dict[str, NDArray[np.float64]] = {
        SAMPLES: measures.standing_out(samples, masks),
        "teacher images": measures.standing_out(teachers, exact),
        "shuffled masks": measures.standing_out(samples, np.roll(masks, 1, axis=0)),
    }
    return [
        figures.mean(name, "mask contrast", values, seed)
        for name, values in sets.items()
        if len(values)
    ]

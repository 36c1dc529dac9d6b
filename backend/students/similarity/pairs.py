"""Teacher images beside the student's copies of them, with two controls.

Heavy (torch): import it inside a job.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.images import imagefiles, kid
from backend.images import measures as images
from backend.images.measures import Images, Masks
from backend.records import Progress
from backend.students.sampler import Sampler
from backend.students.similarity import figures
from backend.students.similarity.figures import Row
from backend.students.similarity.partners import Partners
from backend.teachers.generate.job import Loaded

TRAINED, HELD = "trained", "held out"
MATCHED, RANDOM, MEAN = "matched", "random", "mean image"
METRICS = {"ssim": "SSIM", "ms_ssim": "MS-SSIM", "wavelet_distance": "wavelet distance"}


@dataclass(frozen=True)
class Copies:
    """Teacher images [n, S, S, 3] by name, their masks, and what the student painted for them.

    split: `trained` where it learned from them, `held out` where it did not.
    """

    split: str
    names: NDArray[np.str_]
    wanted: Images
    masks: Masks
    made: Images
    made_masks: Masks


def copies(
    sampler: Sampler,
    shown: Loaded,
    trained: Partners,
    held: Partners,
    most: int,
    random: np.random.Generator,
    seed: int,
) -> list[Copies]:
    """Up to `most` pairs of images it learned from, and as many of those it did not.

    Where no latents were learned, the partners are random z, as in source A.
    """
    found = []
    chosen = random.permutation(len(trained))[:most]
    if len(chosen):
        z = [sampler.draw(np.random.default_rng(seed + k)) for k in range(len(chosen))]
        own = trained.latents[chosen]
        latents = sampler.latents[own] if len(sampler.latents) else np.stack(z)
        found.append(_painted(TRAINED, sampler, shown, trained.places[chosen], latents))
    if len(sampler.held_latents) and len(held) > 1:
        latents = sampler.held_latents[held.latents[:most]]
        found.append(_painted(HELD, sampler, shown, held.places[:most], latents))
    return found


def _painted(
    split: str,
    sampler: Sampler,
    shown: Loaded,
    places: NDArray[np.intp],
    latents: NDArray[np.float32],
) -> Copies:
    made, made_masks = sampler.paint(latents)
    names, images, masks = shown.names[places], shown.images[places], shown.masks[places]
    return Copies(split, names, images, masks, made, made_masks > 0.5)


def compare(
    sets: list[Copies],
    mean_image: NDArray[np.uint8],
    random: np.random.Generator,
    out_dir: Path,
    progress: Progress,
    span: tuple[float, float],
) -> list[Row]:
    """Rows of `ssim_pairs`: each pair matched, at random, and against the mean image of the set;
    the pictures are written beside them."""
    imagefiles.write(out_dir / "artifacts/mean_image.png", mean_image)
    rows: list[Row] = []
    for copy in sets:
        done = span[0] + (span[1] - span[0]) * sets.index(copy) / len(sets)
        progress(done, f"comparing {len(copy.wanted)} pairs, {copy.split}")
        rows += _compare(copy, mean_image, random, out_dir, len(rows) // 3)
    return rows


def _compare(
    copy: Copies,
    mean_image: NDArray[np.uint8],
    random: np.random.Generator,
    out_dir: Path,
    first: int,
) -> list[Row]:
    count = len(copy.wanted)
    others = (np.arange(count) + int(random.integers(1, count))) % count
    paths = _write(copy, out_dir, first)
    looks = [kid.maps(x) for x in (copy.wanted, copy.made, mean_image[None])]
    partners = {
        MATCHED: (copy.made, looks[1], [student for _, student in paths]),
        RANDOM: (copy.made[others], looks[1][others], [paths[k][1] for k in others]),
        MEAN: (
            np.repeat(mean_image[None], count, 0),
            np.repeat(looks[2], count, 0),
            ["artifacts/mean_image.png"] * count,
        ),
    }
    rows = []
    for pairing, (painted, maps, student_paths) in partners.items():
        distances = kid.wavelet_distance(maps, looks[0], looks[0])
        for k in range(count):
            rows.append(
                {
                    "pairing": pairing,
                    "split": copy.split,
                    "pair": first + k,
                    "image": str(copy.names[k]),
                    "teacher_path": paths[k][0],
                    "student_path": student_paths[k],
                    "ssim": images.ssim(copy.wanted[k], painted[k]),
                    "ms_ssim": images.ms_ssim(copy.wanted[k], painted[k]),
                    "wavelet_distance": float(distances[k]),
                    "mask_iou": _overlap(copy, k) if pairing == MATCHED else None,
                }
            )
    return rows


def _overlap(copy: Copies, k: int) -> float | None:
    """None where nothing was painted or there is no defect to find."""
    if not copy.masks[k].any():
        return None
    return float(images.overlap(copy.masks[k : k + 1], copy.made_masks[k : k + 1])[0])


def _write(copy: Copies, out_dir: Path, first: int) -> list[tuple[str, str]]:
    """Where each teacher image and the student's copy of it lie now."""
    found = []
    for k, both in enumerate(zip(copy.wanted, copy.made, strict=True), start=first):
        paths = f"artifacts/teacher/{k:05d}.png", f"artifacts/student/{k:05d}.png"
        for path, pixels in zip(paths, both, strict=True):
            imagefiles.write(out_dir / path, pixels)
        found.append(paths)
    return found


def rows_of(pairs: list[Row], paints_mask: bool, seed: int) -> list[Row]:
    """Rows of `figures`: means over pairs; those of held-out images are named so, and stand for
    the student's where it learned from none of the images."""
    found: list[Row] = []
    first = str(pairs[0]["split"])
    for split, prefix in ((first, ""), (HELD, "held-out ")):
        mine = [row for row in pairs if row["split"] == split]
        if not mine:
            continue
        for column, metric in METRICS.items():
            found += _of_metric(mine, column, metric, prefix, seed)
        overlaps = [row["mask_iou"] for row in mine if row["mask_iou"] is not None]
        if paints_mask and overlaps:
            subject = f"{prefix}reconstructions"
            found.append(figures.mean(subject, "mask IoU", np.array(overlaps), seed))
    return found


def _of_metric(rows: list[Row], column: str, metric: str, prefix: str, seed: int) -> list[Row]:
    values: dict[str, NDArray[Any]] = {
        pairing: np.array([row[column] for row in rows if row["pairing"] == pairing])
        for pairing in (MATCHED, RANDOM, MEAN)
    }
    values["matched minus random"] = values[MATCHED] - values[RANDOM]
    return [figures.mean(f"{prefix}{name}", metric, each, seed) for name, each in values.items()]

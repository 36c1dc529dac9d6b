"""How alike student and teacher are: in pairs and as sets, never without controls."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backend import facts, runs, specs
from backend.records import Progress, UserError
from backend.runs import Run
from backend.specs import param
from backend.synthesis.student import Spec as StudentSpec
from backend.synthesis.vocabulary import VARIATION, VARIATION_HELP

if TYPE_CHECKING:
    from backend.synthesis.distilling.sampler import Sampler
    from backend.synthesis.measuring.figures import Row
    from backend.synthesis.measuring.partners import Partners
    from backend.synthesis.measuring.references import Reference
    from backend.synthesis.teacher import Loaded

OWN_LATENT = "own latent"
RANDOM_Z = "random z, as in source A"  # the published recipe, the control
PAPER_PAIRS = 9
PAPER_MEAN = 0.108
PAPER_RANGE = (0.036, 0.188)
LEAST_IMAGES = 6
LEAST_PAIRS = 2


@dataclass(frozen=True)
class Spec:
    """Settings of a comparison."""

    student_run: str = param("", "student to compare with its teacher", run="distill")
    pairs: int = param(
        60,
        f"most pairs to compare; source A took {PAPER_PAIRS}, which the page shows too",
        lo=2,
        hi=2000,
    )
    samples: int = param(
        200, "samples to draw, and fresh teacher images to compare them with", lo=20, hi=5000
    )
    variation: float = param(VARIATION, VARIATION_HELP, lo=0, hi=1, advanced=True)
    seed: int = param(0, "seed of the choice of pairs and of the samples", lo=0, hi=2**31 - 1)


@dataclass(frozen=True)
class Result:
    """Means over pairs. pairing: how a teacher image got its partner.

    gap: matched minus random, the figure that cannot be had by blurring; held_out_gap: the same on
    images it did not learn from, None where there are none, as for their mask_iou.

    kid, sharpness, diversity, not_copies, mask_contrast: of the samples; sharpness and diversity
    with teacher = 1. control: what stands beside the samples. mask_iou: of reconstructions.
    notes: for a person, about images that are no longer what the student saw.
    """

    pairs: int
    pairing: str
    matched_ssim: float
    random_ssim: float
    mean_image_ssim: float
    gap: float
    held_out_gap: float | None
    samples: int
    control: str
    kid: float
    control_kid: float
    sharpness: float
    diversity: float
    not_copies: float
    mask_iou: float | None
    held_out_mask_iou: float | None
    mask_contrast: float | None
    notes: tuple[str, ...] = ()


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Compare pairs and sets with their controls; writes the pictures beside the figures."""
    from backend.synthesis import teacher
    from backend.synthesis.distilling.sampler import Sampler
    from backend.synthesis.measuring import pairs, references

    student = runs.read(runs.sibling(out_dir, spec.student_run))
    sampler = Sampler(student.folder)
    asked_for = specs.stored(StudentSpec, student.spec)
    source = runs.read(runs.sibling(out_dir, asked_for.teacher_run))
    progress(0.02, "reading teacher images")
    shown = teacher.load(source.folder, sampler.size, masked_only=True)
    _refuse_too_few(len(shown.names), source)
    trained, held = _partners(sampler, student, source, shown)
    random = np.random.default_rng(spec.seed)
    copies = pairs.copies(sampler, shown, trained, held, spec.pairs, random, spec.seed)
    mean_image = shown.images.astype(np.float32).mean(0).round().astype(np.uint8)
    rows = pairs.compare(copies, mean_image, random, out_dir, progress, (0.05, 0.3))
    facts.write(out_dir, "ssim_pairs", rows)
    reference = references.of_teacher(
        source, shown.images, spec.samples, spec.seed, progress, (0.3, 0.6)
    )
    found = pairs.rows_of(rows, sampler.paints_mask, spec.seed)
    found += _of_samples(spec, sampler, shown, trained, mean_image, reference, out_dir, progress)
    facts.write(out_dir, "figures", found)
    progress(1.0, "done")
    pairing = OWN_LATENT if len(sampler.latents) or len(sampler.held_latents) else RANDOM_Z
    count = sum(len(c.wanted) for c in copies)
    notes = (*_note("learned from", trained, source), *_note("never saw", held, source))
    return _result(found, count, pairing, spec.samples, reference.name, notes)


def _partners(
    sampler: "Sampler", student: Run, source: Run, shown: "Loaded"
) -> "tuple[Partners, Partners]":
    """The images it learned from and those it never saw, with their latents. Raises UserError where
    too few of them are what they were."""
    from backend.synthesis.measuring import partners

    noted = (
        partners.named(each, student, source.folder, shown)
        for each in (sampler.trained, sampler.held)
    )
    trained, held = (partners.of(each, shown) for each in noted)
    wanted = trained if len(sampler.trained) else held
    if len(wanted) < LEAST_PAIRS:
        raise UserError(
            f"Of the images of run {source.id} that this student noted, {len(wanted)} are as it "
            f"saw them: {wanted.gone} were rejected, deleted or are no longer labelled, "
            f"{wanted.changed} were changed. Bring them back, or distil it again."
        )
    return trained, held


def _note(words: str, found: "Partners", source: Run) -> tuple[str, ...]:
    if not found.gone and not found.changed:
        return ()
    return (
        f"Of the images it {words}, {found.gone} were rejected in run {source.id}, deleted or are "
        f"no longer labelled, and {found.changed} were changed since; they are left out.",
    )


def _of_samples(
    spec: Spec,
    sampler: "Sampler",
    shown: "Loaded",
    trained: "Partners",
    mean_image: np.ndarray,
    reference: "Reference",
    out_dir: Path,
    progress: Progress,
) -> "list[Row]":
    """Figures of what the student invents; writes the nearest training images beside them."""
    from backend.synthesis.measuring import samples

    progress(0.6, f"painting {spec.samples} samples")
    seeds = [spec.seed + k for k in range(spec.samples)]
    drawn, drawn_masks = sampler.sample(seeds, spec.variation)
    sets = {
        samples.SAMPLES: drawn,
        samples.MEAN: np.repeat(mean_image[None], len(drawn), 0),
        reference.name: reference.control,
    }
    found: list[Row] = []
    for place, (name, made) in enumerate(sets.items()):
        progress(0.7 + 0.06 * place, f"comparing sets: {name}")
        found += samples.likeness(name, made, reference, spec.seed)
    progress(0.9, "looking for copies")
    learned = trained.places if len(sampler.trained) else np.arange(len(shown.names))
    training, names = shown.images[learned], shown.names[learned]
    if not reference.fresh:
        del sets[reference.name]  # some of them were learned from
    found += samples.copying(sets, training)
    rows = samples.neighbour_rows(drawn, seeds, training, names, out_dir)
    facts.write(out_dir, "neighbours", rows)
    if sampler.paints_mask:
        painted = drawn_masks > 0.5
        found += samples.mask_contrast(drawn, painted, training, shown.masks[learned], spec.seed)
    return found


def _result(
    found: "list[Row]",
    pairs: int,
    pairing: str,
    samples: int,
    control: str,
    notes: tuple[str, ...],
) -> Result:
    value = {(row["subject"], row["metric"]): row["value"] for row in found}
    return Result(
        pairs=pairs,
        pairing=pairing,
        matched_ssim=value["matched", "SSIM"],
        random_ssim=value["random", "SSIM"],
        mean_image_ssim=value["mean image", "SSIM"],
        gap=value["matched minus random", "SSIM"],
        held_out_gap=value.get(("held-out matched minus random", "SSIM")),
        samples=samples,
        control=control,
        kid=value["samples", "KID"],
        control_kid=value[control, "KID"],
        sharpness=value["samples", "sharpness"],
        diversity=value["samples", "diversity"],
        not_copies=value["samples", "not copies"],
        mask_iou=value.get(("reconstructions", "mask IoU")),
        held_out_mask_iou=value.get(("held-out reconstructions", "mask IoU")),
        mask_contrast=value.get(("samples", "mask contrast")),
        notes=notes,
    )


def _refuse_too_few(count: int, source: Run) -> None:
    if count < LEAST_IMAGES:
        raise UserError(f"Run {source.id} has {count} images left; {LEAST_IMAGES} are the fewest.")

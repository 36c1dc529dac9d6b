"""How alike student and teacher are: in pairs and as sets, never without controls."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backend.core import facts, runs
from backend.core.runs import Run
from backend.records import Progress, UserError
from backend.students.distill.spec import Spec as StudentSpec
from backend.students.sampler import Sampler
from backend.students.similarity import partners
from backend.students.similarity.partners import Partners
from backend.students.similarity.spec import OWN_LATENT, Result, Spec
from backend.teachers.generate.job import Loaded, load_images

if TYPE_CHECKING:
    from backend.students.similarity.figures import Row
    from backend.students.similarity.references import Reference


RANDOM_Z = "random z, as in source A"  # the published recipe, the control
LEAST_IMAGES = 6
LEAST_PAIRS = 2


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Compare pairs and sets with their controls; writes the pictures beside the figures."""
    from backend.students.similarity import pairs, references

    student = runs.read(runs.sibling(out_dir, spec.student_run))
    sampler = Sampler(student.folder)
    asked_for = runs.spec(student, StudentSpec)
    source = runs.read(runs.sibling(out_dir, asked_for.teacher_run))
    progress(0.02, "reading teacher images")
    shown = load_images(source.folder, sampler.size, masked_only=True)
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
    sampler: Sampler, student: Run, source: Run, shown: Loaded
) -> tuple[Partners, Partners]:
    """The images it learned from and those it never saw, with their latents. Raises UserError where
    too few of them are what they were."""

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


def _note(words: str, found: Partners, source: Run) -> tuple[str, ...]:
    if not found.gone and not found.changed:
        return ()
    return (
        f"Of the images it {words}, {found.gone} were rejected in run {source.id}, deleted or are "
        f"no longer labelled, and {found.changed} were changed since; they are left out.",
    )


def _of_samples(
    spec: Spec,
    sampler: Sampler,
    shown: Loaded,
    trained: Partners,
    mean_image: np.ndarray,
    reference: "Reference",
    out_dir: Path,
    progress: Progress,
) -> "list[Row]":
    """Figures of what the student invents; writes the nearest training images beside them."""
    from backend.students.similarity import samples

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

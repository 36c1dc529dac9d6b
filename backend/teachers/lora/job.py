"""A style learned from your own photographs: low-rank weights (LoRA) for Stable Diffusion."""

from pathlib import Path

from backend.core import runs
from backend.images import imageset, resuming
from backend.records import Progress, UserError
from backend.settings import settings
from backend.teachers.lora.spec import CLASS, LEAST_IMAGES, Example, Result, Spec
from backend.teachers.stable_diffusion.settings import weights_folder


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Train on a run's images into `artifacts/lora.safetensors`; resumes where it stopped."""
    folder = weights_folder(spec.model, settings().weights)
    shown = examples(spec, runs.sibling(out_dir, spec.images_run))
    told = ((one.prompt, runs.fingerprint(one.path)) for one in shown)
    again = resuming.begins_again(out_dir, resuming.version(told))
    progress(0.0, resuming.WORDS if again else "loading the model")
    from backend.teachers.lora import training

    return training.train(spec, folder, shown, out_dir, progress)


def examples(spec: Spec, run_folder: Path) -> list[Example]:
    """The images of a run with their prompts. Raises UserError where there are too few."""
    found = []
    for image in imageset.read(run_folder):
        named = " and ".join(sorted({box.class_name for box in image.boxes}))
        if named or CLASS not in spec.prompt:
            prompt = spec.prompt.replace(CLASS, named.replace("_", " "))
            found.append(Example(image.path, prompt))
    if len(found) < LEAST_IMAGES:
        reason = " with boxes, which {class} in the prompt needs" if CLASS in spec.prompt else ""
        raise UserError(
            f"The chosen run has {len(found)} images{reason}; a LoRA needs at least "
            f"{LEAST_IMAGES}. Choose a run with more."
        )
    return found

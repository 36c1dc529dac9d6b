"""Stable Diffusion as a teacher: its settings, and where its weights lie on this computer."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.core import runs
from backend.core.specs import param
from backend.records import UserError

MODEL = "CompVis/stable-diffusion-v1-4"
PROMPTS = (
    "Close-up of shattered glass with spiderweb cracks",
    "Broken transparent surface with sharp cracks",
    "Glass damage texture, cinematic lighting, ultra-realistic",
)
SCHEDULERS = ("as the model has it", "DDIM", "DPM++ 2M Karras", "Euler", "Euler a", "UniPC", "LCM")
DEFECT_WORDS = (
    "crack cracks cracked shattered broken scratch scratches scratched chip chipped damage hole"
)
PIPELINES = (
    "StableDiffusionPipeline",
    "StableDiffusionImg2ImgPipeline",
    "StableDiffusionInpaintPipeline",
    "LatentConsistencyModelPipeline",
)
NETWORKS = ("unet", "vae", "text_encoder")  # the safety checker may be left out, these may not
FILES = (
    "model_index.json, the folders scheduler, tokenizer and feature_extractor, and in each of "
    "unet, vae, text_encoder and safety_checker a config.json with its .safetensors file"
)
BY_TEACHER = ("teacher", ("stable-diffusion",))
BY_MODE = ("mode", ("image-to-image",))


@dataclass(frozen=True)
class PaintSettings:
    """What Stable Diffusion paints and how; the fields of a spec that has such a teacher.

    Image k takes prompt k modulo their number. The default prompts are source A's.
    """

    model: str = param(
        MODEL, "Stable Diffusion 1.x or 2.x: a name on the hub, or a folder here", when=BY_TEACHER
    )
    mode: str = param(
        "text-to-image",
        "paint from the words alone, or paint over images of a run",
        choices=("text-to-image", "image-to-image"),
        when=BY_TEACHER,
    )
    prompts: tuple[str, ...] = param(
        PROMPTS, "what to paint, in words; the images take them in turn", when=BY_TEACHER
    )
    negative_prompt: str = param("", "what the images must not show", when=BY_TEACHER)
    painting_steps: int = param(50, "denoising steps an image", lo=1, hi=200, when=BY_TEACHER)
    guidance: float = param(
        7.5, "how closely to follow the words; 1 or less: off", lo=0, hi=30, when=BY_TEACHER
    )
    pixels: int = param(
        512,
        "edge length that is painted, px, a multiple of 8; the model was made for 512",
        lo=64,
        hi=1024,
        when=BY_TEACHER,
    )
    scheduler: str = param(SCHEDULERS[0], "denoising rule", choices=SCHEDULERS, when=BY_TEACHER)
    lora_run: str = param(
        "", "style learned from your own photographs", run="lora", optional=True, when=BY_TEACHER
    )
    lora_weight: float = param(1.0, "strength of that style", lo=0, hi=2, when=BY_TEACHER)
    lora_file: str = param(
        "",
        "a LoRA from elsewhere, .safetensors, alone or with the style above",
        path="file",
        optional=True,
        advanced=True,
        when=BY_TEACHER,
    )
    lora_file_weight: float = param(
        1.0, "strength of the LoRA from elsewhere", lo=0, hi=2, advanced=True, when=BY_TEACHER
    )
    start_run: str = param(
        "", "images to paint over", run="generate|composite", optional=True, when=BY_MODE
    )
    strength: float = param(
        0.6, "how much of the start image is painted anew", lo=0.02, hi=1, when=BY_MODE
    )
    defect_words: str = param(
        DEFECT_WORDS,
        "words of the prompts whose attention becomes the label; empty: no label",
        when=BY_TEACHER,
    )
    safety_checker: bool = param(
        True, "black out images that may not be fit for work", advanced=True, when=BY_TEACHER
    )
    precision: str = param(
        "auto",
        "number format; auto: half precision on a GPU, full on a CPU",
        choices=("auto", "float32", "float16", "bfloat16"),
        advanced=True,
        when=BY_TEACHER,
    )

    def check_painting(self) -> None:
        """Raises UserError for settings that do not go together; for the spec's own `check`."""
        if not [prompt for prompt in self.prompts if prompt.strip()]:
            raise UserError("Prompts: write at least one.")
        if self.pixels % 8:
            raise UserError(f"Pixels must be a multiple of 8; got {self.pixels}.")
        if self.mode == "image-to-image" and not self.start_run:
            raise UserError("Start run is missing: choose the images to paint over.")
        if self.lora_file and not self.lora_file.endswith(".safetensors"):
            raise UserError(
                f"'{self.lora_file}' is no .safetensors file, and other formats can run code when "
                "opened. Use the .safetensors file of that LoRA."
            )


def loras(settings: PaintSettings, out_dir: Path) -> list[tuple[Path, float]]:
    """The LoRA files the settings name, with their strength. Raises UserError for a missing one."""
    found = []
    if settings.lora_run:
        run = runs.sibling(out_dir, settings.lora_run)
        found.append((run / "artifacts" / "lora.safetensors", settings.lora_weight))
    if settings.lora_file:
        path = Path(settings.lora_file).expanduser()
        if not path.is_file():
            raise UserError(f"There is no LoRA file '{path}' on this computer.")
        found.append((path, settings.lora_file_weight))
    return found


def dtype_name(precision: str, on_gpu: bool) -> str:
    """The number format to compute in. Raises UserError for float16 on a CPU."""
    if precision == "auto":
        return "float16" if on_gpu else "float32"
    if precision == "float16" and not on_gpu:
        raise UserError("Precision: float16 needs a GPU; choose auto, float32 or bfloat16.")
    return precision


def weights_folder(model: str, weights: Path) -> Path:
    """The folder of a model in diffusers' layout, found without a network.

    Looked for in this order: `model` itself as a folder, below `weights` (as owner__name, then
    as name), Hugging Face's cache there, the user's own cache. weights: storage/weights.
    Raises UserError saying what to download and where to put it, or what is wrong with a folder.
    """
    complaints = []
    for folder in _candidates(model.strip().rstrip("/"), weights):
        if folder.is_dir():
            complaint = _complaint(folder)
            if not complaint:
                return folder
            complaints.append(complaint)
    raise UserError(complaints[0] if complaints else _missing(model, weights))


def _missing(model: str, weights: Path) -> str:
    sizes = " (5.5 GB in float32, or 2.7 GB with the fp16 files)" if model == MODEL else ""
    return (
        f"The weights of '{model}' are not on this computer: download them from Hugging "
        f"Face{sizes} into the folder {weights / model.replace('/', '__')}, "
        f"which must hold {FILES}."
    )


def _candidates(model: str, weights: Path) -> Iterator[Path]:
    if not model:
        return
    yield Path(model).expanduser()
    yield weights / model.replace("/", "__")
    yield weights / Path(model).name
    home = Path(os.environ.get("HF_HOME") or weights / "huggingface")
    for cache in (home, weights / "huggingface", Path("~/.cache/huggingface").expanduser()):
        repository = cache / "hub" / f"models--{model.replace('/', '--')}"
        main = repository / "refs" / "main"
        if main.is_file():
            yield repository / "snapshots" / main.read_text(encoding="utf-8").strip()
        yield from sorted(repository.glob("snapshots/*"))


def _complaint(folder: Path) -> str:
    """What keeps a folder from being used, in words; "" for nothing."""
    index = folder / "model_index.json"
    if not index.is_file():
        return (
            f"{folder} holds no model_index.json, so it is no model in diffusers' layout. "
            f"It must hold {FILES}."
        )
    try:
        pipeline = json.loads(index.read_text(encoding="utf-8"))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{index} cannot be read. Download it again."
    if pipeline not in PIPELINES:
        return (
            f"{folder} holds a {pipeline}, which cannot be used here. "
            "Use a model of the Stable Diffusion 1 or 2 family."
        )
    here = [folder / name for name in (*NETWORKS, "safety_checker")]
    wrong = [place for place in here if not _is_safe(place)]
    return _unsafe(wrong[0]) if wrong else ""


def _is_safe(place: Path) -> bool:
    optional = place.name == "safety_checker"
    return any(place.glob("*.safetensors")) or (optional and not place.is_dir())


def _unsafe(place: Path) -> str:
    pickles = [*place.glob("*.bin"), *place.glob("*.ckpt"), *place.glob("*.pt")]
    if pickles:
        return (
            f"{place} holds only {pickles[0].name}: such a file can run code when opened, so it is "
            "not. Download the .safetensors file of the same model into that folder."
        )
    return f"{place} holds no .safetensors file. Download it into that folder."


def variant(folder: Path) -> str | None:
    """ "fp16" where a model folder holds its U-Net in that variant alone, else None."""
    names = [path.name for path in (folder / "unet").glob("*.safetensors")]
    return "fp16" if names and all(".fp16" in name for name in names) else None

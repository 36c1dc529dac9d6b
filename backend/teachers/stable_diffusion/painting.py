"""Stable Diffusion at work: words into images, images painted over, regions painted in.

Heavy (torch, diffusers). See `stable_diffusion` for its settings.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import psutil
import torch
from PIL import Image
from scipy import ndimage

from backend.images import pictures
from backend.records import UserError
from backend.teachers.stable_diffusion import attention, pipelines
from backend.teachers.stable_diffusion.pipelines import OnStep, ignore
from backend.teachers.stable_diffusion.settings import PaintSettings, dtype_name

SMALL_GPU = 5 * 2**30  # bytes free below which the networks take turns on the GPU
LITTLE_MEMORY = 12 * 2**30  # bytes free below which a large image is decoded in tiles
SEAM = 1 / 64  # width of the soft seam inside a mask, as a share of the edge


@dataclass(frozen=True)
class Painted:
    """One image. pixels: uint8 [P, P, 3], black where flagged as not fit for work.

    attention: where the defect words were painted, float [h, w] of 0…1; None where unknown.
    """

    pixels: np.ndarray
    flagged: bool
    attention: np.ndarray | None


class Painter:
    """A model loaded once, that paints image after image; each depends on its seed alone.

    notes: what was chosen for this computer and what is missing, a sentence each.
    """

    def __init__(
        self, settings: PaintSettings, folder: Path, loras: Sequence[tuple[Path, float]] = ()
    ):
        """folder: as of `weights_folder`; loras: files and their strength, as of `loras`.

        Raises UserError for weights that cannot be used.
        """
        self.settings = settings
        self.notes: list[str] = []
        self.on_gpu = torch.cuda.is_available()
        self.dtype = getattr(torch, dtype_name(settings.precision, self.on_gpu))
        self.pipeline = pipelines.load(folder, self.dtype, settings.safety_checker)
        self._tell_checker()
        pipelines.set_scheduler(self.pipeline, settings.scheduler)
        for number, (file, _) in enumerate(loras):
            self._add_lora(file, f"style{number}")
        if loras:
            names = [f"style{number}" for number in range(len(loras))]
            self.pipeline.set_adapters(names, [weight for _, weight in loras])
        self._place()

    def _tell_checker(self) -> None:
        if not self.settings.safety_checker:
            self.notes.append("The safety checker is off, as the settings say.")
        elif self.pipeline.safety_checker is None:
            self.notes.append("This model comes without a safety checker: no image is checked.")

    def _add_lora(self, file: Path, name: str) -> None:
        """Raises UserError for a file that is damaged or was made for another model."""
        try:
            self.pipeline.load_lora_weights(
                str(file.parent), weight_name=file.name, adapter_name=name
            )
            self.pipeline.set_adapters([name])
        except Exception as error:
            raise UserError(
                f"{file} cannot be used as a LoRA of this model ({type(error).__name__}). "
                "Use one that was trained on the same model."
            ) from error

    def _place(self) -> None:
        """Put the networks where they run; spare memory where there is little."""
        free = torch.cuda.mem_get_info()[0] if self.on_gpu else psutil.virtual_memory().available
        kind = str(self.dtype).removeprefix("torch.")
        if self.on_gpu and free < SMALL_GPU:
            self.pipeline.enable_model_cpu_offload()
            self.notes.append(f"Painted on the GPU in {kind}, the networks in turn: it is small.")
        elif self.on_gpu:
            self.pipeline.to("cuda")
            self.notes.append(f"Painted on the GPU in {kind}.")
        else:
            self.notes.append(f"Painted on the CPU in {kind}.")
        if self.settings.pixels > 512 and free < LITTLE_MEMORY:
            self.pipeline.vae.enable_tiling()
            self.notes.append("Decoded in tiles to spare memory.")

    def paint(self, seed: int, prompt: str, on_step: OnStep = ignore) -> Painted:
        """An image from words. Raises UserError for a model that can only paint regions in."""
        self._needs_ordinary_model()
        edge = self.settings.pixels
        call = {"height": edge, "width": edge}
        return self._paint(diffusers.StableDiffusionPipeline, seed, prompt, on_step, call)

    def repaint(
        self, seed: int, prompt: str, start: np.ndarray, strength: float, on_step: OnStep = ignore
    ) -> Painted:
        """An image painted over `start`, uint8 [H, W, 3]; strength 0…1: how much of it anew.

        At least one step is done. Raises UserError like `paint`.
        """
        self._needs_ordinary_model()
        image = Image.fromarray(pictures.resized(start, self.settings.pixels))
        least = 1.001 / self.settings.painting_steps
        call = {"image": image, "strength": min(1.0, max(strength, least))}
        return self._paint(diffusers.StableDiffusionImg2ImgPipeline, seed, prompt, on_step, call)

    def inpaint(
        self, seed: int, prompt: str, start: np.ndarray, mask: np.ndarray, on_step: OnStep = ignore
    ) -> Painted:
        """The words painted into the mask, uint8 [H, W] with 255 where to paint, of `start`.

        Outside the mask the pixels are those of `start` at the painted size; the seam, soft, lies
        inside. Works with ordinary models and with those made for inpainting.
        """
        edge = self.settings.pixels
        ground = pictures.resized(start, edge)
        inside = np.asarray(Image.fromarray(mask).resize((edge, edge), Image.Resampling.NEAREST))
        call = {
            "image": Image.fromarray(ground),
            "mask_image": Image.fromarray(inside),
            "height": edge,
            "width": edge,
            "strength": 1.0,
        }
        kind = diffusers.StableDiffusionInpaintPipeline
        made = self._paint(kind, seed, prompt, on_step, call)
        if made.flagged:
            return made
        return Painted(blended(ground, made.pixels, inside >= 128), False, made.attention)

    def _needs_ordinary_model(self) -> None:
        if self.pipeline.unet.config.in_channels != 4:
            raise UserError(
                f"'{self.settings.model}' was made to paint defects into photographs and cannot "
                "paint a whole image. Choose an ordinary Stable Diffusion model."
            )

    def _paint(
        self, kind: type[Any], seed: int, prompt: str, on_step: OnStep, call: dict[str, Any]
    ) -> Painted:
        self._switch(kind)
        words = self._positions(prompt)
        listening = attention.listening(self.pipeline.unet, words) if words else nullcontext()
        with listening as recorder:
            made = self.pipeline(
                prompt=prompt,
                negative_prompt=self.settings.negative_prompt or None,
                num_inference_steps=self.settings.painting_steps,
                guidance_scale=self.settings.guidance,
                generator=torch.Generator("cpu").manual_seed(seed),
                callback_on_step_end=pipelines.told(on_step),
                output_type="np",
                **call,
            )
        flagged = bool(made.nsfw_content_detected and made.nsfw_content_detected[0])
        return Painted(
            pipelines.to_pixels(made.images[0]), flagged, recorder.heat_map() if recorder else None
        )

    def _switch(self, kind: type[Any]) -> None:
        """Make the pipeline one of `kind` around the same networks, in the formats they have."""
        if type(self.pipeline) is not kind:
            offloads = getattr(self.pipeline, "_offload_device", None) is not None
            checks = self.pipeline.safety_checker is not None
            self.pipeline = kind(**self.pipeline.components, requires_safety_checker=checks)
            self.pipeline.set_progress_bar_config(disable=True)
            if offloads:
                self.pipeline.enable_model_cpu_offload()

    def _positions(self, prompt: str) -> list[int]:
        """Where the defect words stand in the prompt; noted once where there are none."""
        words = self.settings.defect_words
        found = attention.token_positions(self.pipeline.tokenizer, prompt, words)
        note = f"None of the defect words is in the prompt '{prompt}': its images get no label."
        if words.strip() and not found and note not in self.notes:
            self.notes.append(note)
        return found


def blended(ground: np.ndarray, painted: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """`painted` where inside bool [P, P], `ground` elsewhere, both uint8 [P, P, 3].

    The seam is soft and lies inside: outside, every pixel is that of `ground`.
    """
    width = max(1.0, len(ground) * SEAM)
    share = np.clip(ndimage.distance_transform_edt(inside) / width, 0, 1)[..., None]
    if inside.all():
        share = np.ones((*inside.shape, 1))
    mixed = share * painted + (1 - share) * ground
    return np.where(inside[..., None], mixed.round(), ground).astype(np.uint8)

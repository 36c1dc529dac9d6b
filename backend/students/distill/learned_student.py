"""The recipes `default` and `sharp` (PyTorch): each teacher image keeps a latent of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from backend.numeric import devices
from backend.numeric.learning import Losses
from backend.numeric.losses import laplacian_loss, mask_loss
from backend.records import Progress
from backend.students import drawing
from backend.students.distill import discriminator, initial_codes, losses, networks
from backend.students.distill.data import Material
from backend.students.distill.recipes import FILM_COLUMNS, OnImages
from backend.students.distill.spec import Spec

LATENT_RATE = 3.0
DEFECT_WEIGHT = 10.0
TEXTURE_WEIGHT = 0.1
CRITIC_WEIGHT = 0.02
CRITIC_BEGINS = 0.5  # of the lesson
TEXTURE_IMAGES = 4  # of a batch, every few steps: these features cost more than the student
TEXTURE_EVERY = 3
FITTING_STEPS, FITTING_RATE = 30, 0.03


class LearnedLatents(OnImages):
    """`default`: each image keeps a latent of its own, which is learned with the network.

    weights: the folder of what the perceptual choices need.
    """

    chooses = True

    def __init__(self, spec: Spec, learned: Material, held: Material, weights: Path):
        self.weights = weights
        super().__init__(spec, learned, held)

    def _network(self) -> networks.Student:
        return networks.Student(self.spec.channels, self.spec.size)

    def _other_groups(self) -> list[dict[str, Any]]:
        """The latents, and the images as the losses compare them."""
        images, masks = self.images, self.masks
        self.codes = initial_codes.local_codes(images, masks, self.spec.channels)
        self.own = self.codes(images, masks).requires_grad_()
        self.latents["latents"] = self.own.detach()
        self.drawings = initial_codes.line_drawings(images, masks)
        self.noises = initial_codes.noises(images)
        brightness = initial_codes.scene_brightness(self.learned.images, self.learned.masks)
        self.by_brightness = np.argsort(brightness)
        self.light = drawing.light_of(self.learned.images)
        if self.spec.perceptual != "none":
            self.texture = losses.texture(self.spec.perceptual, self.weights, images)
        with torch.no_grad():  # the usual strength of the noise; each scene learns its own
            self.network.get_submodule("noise").bias.copy_(self.noises.mean((0, 2, 3)))
        return [{"params": [self.own], "lr": LATENT_RATE * self.spec.learning_rate}]

    def losses_of(self, batch: Tensor, images: Tensor, random: torch.Generator) -> Losses:
        masks = self.masks[batch].float()
        with devices.autocast(self.device):
            layers = self.network.layers(self.own[batch]).float()
        drawn = self.drawings[batch].float() / 127
        found = {
            "scene loss": laplacian_loss(layers.scene, images, 1 - 0.98 * masks),
            "image loss": laplacian_loss(layers.image, images, 1 + DEFECT_WEIGHT * masks),
            "line loss": losses.drawing_loss(layers, drawn, masks),
            "mask loss": mask_loss(layers.mask, masks),
            "noise loss": 0.2 * functional.l1_loss(layers.log_noise, self.noises[batch]),
        }
        if self.spec.perceptual != "none" and self.training.step % TEXTURE_EVERY == 0:
            shown = losses.with_noise(layers, random)[:TEXTURE_IMAGES]
            found["texture loss"] = TEXTURE_WEIGHT * self.texture(shown, batch[:TEXTURE_IMAGES])
        return found

    def rule(self) -> drawing.Learned:
        return drawing.Learned(
            self._kept(self.own),
            nothing=self.codes.nothing.cpu().numpy(),
            by_brightness=self.by_brightness,
            lights=self.light,
            labels=self.learned.labels,
            classes=self.classes,
        )

    def _kept(self, latents: Tensor) -> np.ndarray:
        """Latents as the student takes them, in their own light."""
        return self.network.unlit(latents.detach()).cpu().numpy()

    def film(self) -> Tensor:
        """The first images' latents, then the same scenes with others' defects."""
        half = self.network.scene_codes
        own = self.own[:FILM_COLUMNS]
        others = self.own.roll(-FILM_COLUMNS, 0)[:FILM_COLUMNS]
        codes = torch.cat([own, torch.cat([own[:, :half], others[:, half:]], 1)])
        return self.training.average(self.network.unlit(codes))

    def arrays(self, progress: Progress) -> dict[str, np.ndarray]:
        """Also the latents, and those that are found for the images it never saw."""
        return super().arrays(progress) | {
            "latents": self._kept(self.own),
            "held_latents": self._kept(self._fitted(progress)),
            "light": self.light,
            "nothing": self.codes.nothing.cpu().numpy(),
        }

    def _fitted(self, progress: Progress) -> Tensor:
        """Latents [M, D] of images it never saw: the student is fixed and each latent descends from
        its linear code (Bojanowski et al., arXiv 1707.05776, section 4)."""
        if not len(self.held):
            return self.own[:0]
        images, masks = self.on_device(self.held)
        latents = self.codes(images, masks).requires_grad_()
        shown, wanted = images.float() / 255, masks.float()
        drawn = initial_codes.line_drawings(images, masks).float() / 127
        optimizer = torch.optim.Adam([latents], lr=FITTING_RATE)
        for step in range(FITTING_STEPS):
            with devices.autocast(self.device):
                layers = self.training.average.layers(latents).float()
            loss = laplacian_loss(layers.image, shown, 1 + DEFECT_WEIGHT * wanted)
            loss = loss + losses.drawing_loss(layers, drawn, wanted)
            loss = loss + mask_loss(layers.mask, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            words = f"finding the latents of {len(self.held)} images it never saw"
            progress(0.9 + 0.08 * (step + 1) / FITTING_STEPS, words)
        return latents


class Sharp(LearnedLatents):
    """As `default`, with a critic in the second half."""

    def __init__(self, spec: Spec, learned: Material, held: Material, weights: Path):
        super().__init__(spec, learned, held, weights)
        self.critic = discriminator.Critic().to(self.device)
        self.critic_optimizer = torch.optim.Adam(
            self.critic.parameters(), discriminator.RATE, betas=(0.0, 0.99)
        )
        self.others = {"critic": self.critic, "critic_optimizer": self.critic_optimizer}

    def losses_of(self, batch: Tensor, images: Tensor, random: torch.Generator) -> Losses:
        found = super().losses_of(batch, images, random)
        if self.training.done >= CRITIC_BEGINS:
            found["critic's loss"] = CRITIC_WEIGHT * self._judged(batch, images, random)
        return found

    def _judged(self, batch: Tensor, images: Tensor, random: torch.Generator) -> Tensor:
        """The critic learns from this batch and from as many samples, then judges those."""
        rule = self.rule()
        seeds = torch.randint(2**31, (len(batch),), generator=random).tolist()
        picks = [rule.pick(np.random.default_rng(seed)) for seed in seeds]
        with devices.autocast(self.device):
            layers = self.network.layers(*self._mixed(rule, picks)).float()
        made = torch.cat([losses.with_noise(layers, random).clamp(0, 1), layers.mask], 1)
        real = torch.cat([images, self.masks[batch].float()], 1)
        self.critic.requires_grad_(True)
        with devices.autocast(self.device):
            wrong = discriminator.critic_loss(self.critic, real, made, random)
        self.critic_optimizer.zero_grad()
        wrong.backward()
        self.critic_optimizer.step()
        self.critic.requires_grad_(False)
        with devices.autocast(self.device):
            return discriminator.painter_loss(self.critic, made, random)

    def _mixed(self, rule: drawing.Learned, picks: Sequence[drawing.Pick]) -> tuple[Tensor, Tensor]:
        """Codes [B, D] and light [B, 6] of samples, as `rule` draws them; gradients reach the
        latents."""
        scenes, defects = self.own.split(self.network.scene_codes, 1)
        nothing = self.codes.nothing
        own = scenes[[pick.scene for pick in picks]]
        put = [drawing.moved(defects[pick.defect], nothing, pick.shift) for pick in picks]
        shown = np.stack([rule.shown(pick) for pick in picks])
        codes = torch.cat([own, torch.stack(put)], 1)
        return codes, torch.from_numpy(shown).to(self.device)

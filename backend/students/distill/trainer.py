"""Everything that changes while a student learns (PyTorch), and how one epoch changes it."""

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from backend.numeric import devices, learning
from backend.numeric.losses import laplacian_loss, mask_loss
from backend.students import drawing, lighting
from backend.students.distill import discriminator, initial_codes, losses, networks, perceptual_loss
from backend.students.distill.data import Material
from backend.students.distill.spec import Spec

EMA_DECAY = 0.99
LATENT_RATE = 3.0
DEFECT_WEIGHT = 10.0
TEXTURE_WEIGHT = 0.1
CRITIC_WEIGHT = 0.02
CRITIC_BEGINS = 0.5  # of the lesson
TEXTURE_IMAGES = 4  # of a batch, every few steps: these features cost more than the student
TEXTURE_EVERY = 3
LEARNING_SHARE = 0.9  # of the time; the rest is for the images kept away and the export


class Lesson:
    """The networks, their optimisers and the images, on the device where they learn."""

    def __init__(self, spec: Spec, material: Material, weights: Path):
        torch.manual_seed(spec.seed)
        self.spec = spec
        self.device = devices.best()
        self.images = torch.from_numpy(material.images).permute(0, 3, 1, 2).to(self.device)
        self.masks = torch.from_numpy(material.masks)[:, None].to(self.device)
        network = networks.build(spec.preset, spec.channels, spec.size)
        self.network: Any = network.to(self.device)
        self.network.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.latents: Tensor | None = None
        self.critic: discriminator.Critic | None = None
        groups = [{"params": list(self.network.parameters()), "scale": 1.0}]
        if isinstance(self.network, networks.Student):
            groups.append({"params": [self._prepare(material, weights)], "scale": LATENT_RATE})
        self.optimizer = torch.optim.Adam(groups, lr=spec.learning_rate, betas=(0.9, 0.99))
        self.epoch = self.step = 0
        self.seconds = 0.0
        self.loss = math.nan

    def _prepare(self, material: Material, weights: Path) -> Tensor:
        """What the presets with learned latents need; returns those."""
        self.codes = initial_codes.local_codes(self.images, self.masks, self.spec.channels)
        self.latents = self.codes(self.images, self.masks).requires_grad_()
        self.drawings = initial_codes.line_drawings(self.images, self.masks)
        self.noises = initial_codes.noises(self.images)
        brightness = initial_codes.scene_brightness(material.images, material.masks)
        self.by_brightness = np.argsort(brightness)
        self.light = lighting.measured(material.images)
        self.texture = perceptual_loss.load(self.spec.perceptual, weights, self.images)
        with torch.no_grad():  # the usual strength of the noise; each scene learns its own
            usual: Any = self.network.get_submodule("noise").bias
            usual.copy_(self.noises.mean((0, 2, 3)))
        if self.spec.preset == "sharp":
            self.critic = discriminator.Critic().to(self.device)
            self.critic_optimizer = torch.optim.Adam(
                self.critic.parameters(), discriminator.RATE, betas=(0.0, 0.99)
            )
        return self.latents

    @property
    def done(self) -> float:
        """Fraction of the lesson: of its epochs, or of its time where that runs out first."""
        seconds = 60 * self.spec.minutes * LEARNING_SHARE
        return max(self.epoch / self.spec.epochs, self.seconds / seconds)

    def run_epoch(self) -> dict[str, float]:
        """One pass in an order that depends on seed and epoch alone. Returns mean losses."""
        self._set_learning_rate()
        random = torch.Generator().manual_seed(self.spec.seed * 100_003 + self.epoch)
        order = torch.randperm(len(self.images), generator=random).to(self.device)
        taken = [self._step(batch, random) for batch in order.split(self.spec.batch)]
        means = {
            name: float(np.mean([losses[name] for losses in taken if name in losses]))
            for name in sorted(set().union(*taken))
        }
        self.epoch += 1
        self.loss = means["loss"]
        return means

    def _set_learning_rate(self) -> None:
        warm = min(1.0, (self.epoch + 1) / 5)
        fall = learning.falling(self.done)
        for group in self.optimizer.param_groups:
            group["lr"] = self.spec.learning_rate * warm * fall * group["scale"]

    def _step(self, batch: Tensor, random: torch.Generator) -> dict[str, float]:
        images = self.images[batch].float() / 255
        found = self._losses(batch, images, random)
        if self.critic is not None and self.done >= CRITIC_BEGINS:
            found |= self._judged(batch, images, random)
        loss = torch.stack(list(found.values())).sum()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        learning.follow(self.average, self.network, self.step, EMA_DECAY)
        self.step += 1
        return {"loss": loss.item()} | {name: value.item() for name, value in found.items()}

    def _losses(self, batch: Tensor, images: Tensor, random: torch.Generator) -> dict[str, Tensor]:
        if self.latents is None:
            z = torch.randn(len(batch), self.network.latent_dim, generator=random).to(self.device)
            return {"image loss": functional.l1_loss(self.network(z), images)}
        masks = self.masks[batch].float()
        with devices.autocast(self.device):
            layers = self.network.layers(self.latents[batch]).float()
        drawing = self.drawings[batch].float() / 127
        found = {
            "scene loss": laplacian_loss(layers.scene, images, 1 - 0.98 * masks),
            "image loss": laplacian_loss(layers.image, images, 1 + DEFECT_WEIGHT * masks),
            "line loss": losses.drawing_loss(layers, drawing, masks),
            "mask loss": mask_loss(layers.mask, masks),
            "noise loss": 0.2 * functional.l1_loss(layers.log_noise, self.noises[batch]),
        }
        if self.texture is not None and self.step % TEXTURE_EVERY == 0:
            shown = losses.with_noise(layers, random)[:TEXTURE_IMAGES]
            found["texture loss"] = TEXTURE_WEIGHT * self.texture(shown, batch[:TEXTURE_IMAGES])
        return found

    def _judged(self, batch: Tensor, images: Tensor, random: torch.Generator) -> dict[str, Tensor]:
        """The critic learns from this batch and from as many samples, then judges those."""
        assert self.critic is not None
        stock = self.stock()
        seeds = torch.randint(2**31, (len(batch),), generator=random).tolist()
        picks = [stock.pick(np.random.default_rng(seed)) for seed in seeds]
        with devices.autocast(self.device):
            layers = self.network.layers(*self.mixed(stock, picks)).float()
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
            seen_through = discriminator.painter_loss(self.critic, made, random)
        return {"critic's loss": CRITIC_WEIGHT * seen_through}

    def stock(self) -> drawing.Stock:
        """What samples are drawn from, as it stands now."""
        assert self.latents is not None
        defects = self.latents.detach()[:, self.network.scene_codes :].cpu().numpy()
        nothing = self.codes.nothing.cpu().numpy()
        return drawing.Stock(defects, nothing, self.by_brightness, self.light)

    def mixed(self, stock: drawing.Stock, picks: list[drawing.Pick]) -> tuple[Tensor, Tensor]:
        """Codes [B, D] and light [B, 6] of samples; gradients reach the latents."""
        assert self.latents is not None
        scenes, defects = self.latents.split(self.network.scene_codes, 1)
        nothing = self.codes.nothing
        own = scenes[[pick.scene for pick in picks]]
        put = [drawing.moved(defects[pick.defect], nothing, pick.shift) for pick in picks]
        shown = np.stack([stock.shown(pick) for pick in picks])
        codes = torch.cat([own, torch.stack(put)], 1)
        return codes, torch.from_numpy(shown).to(self.device)

    def state(self) -> dict[str, Any]:
        state = {
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "loss": self.loss,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "latents": self.latents.detach() if self.latents is not None else None,
        }
        if self.critic is not None:
            state["critic"] = self.critic.state_dict()
            state["critic_optimizer"] = self.critic_optimizer.state_dict()
        return state

    def restore(self, state: dict[str, Any]) -> None:
        for name in ("epoch", "step", "seconds", "loss"):
            setattr(self, name, state[name])
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.latents is not None:
            self.latents.data.copy_(state["latents"])
        if self.critic is not None:
            self.critic.load_state_dict(state["critic"])
            self.critic_optimizer.load_state_dict(state["critic_optimizer"])

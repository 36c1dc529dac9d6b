"""What sets the recipes apart while a student learns (PyTorch): losses, samples, what is kept.

Here what they share, and `paper`; see `learned_student` and `pair_student` for the others.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from backend.numeric import devices
from backend.numeric.learning import Losses, Pace, State, TimedTraining
from backend.records import Progress
from backend.students import drawing
from backend.students.distill import initial_codes, networks
from backend.students.distill.data import Material
from backend.students.distill.spec import Spec

EMA_DECAY = 0.99
WARM_UP = 5  # epochs
LEARNING_SHARE = 0.9  # of the time; the rest is for the images kept away and the export
FILM_COLUMNS = 8
PAINTED_AT_ONCE = 16


class Recipe(ABC):
    """One way to teach a student.

    learned, held: the images it learns from, and those it does not see. loss: of the newest round.
    chooses: whether the weights whose samples were best are kept, or the last ones. latents: what
    is learned beside the network; others: what else has a state, which makes no pictures.
    """

    training: TimedTraining
    chooses: ClassVar[bool] = False

    def __init__(self, spec: Spec, learned: Material, held: Material):
        self.spec, self.learned, self.held = spec, learned, held
        self.device = devices.best()
        self.loss, self.classes = math.nan, learned.classes
        self.latents: dict[str, Tensor] = {}
        self.others: dict[str, Any] = {}

    @abstractmethod
    def losses(self) -> Iterator[Losses]:
        """Of each step of a round."""

    @abstractmethod
    def rule(self) -> drawing.Rule:
        """How samples are drawn, as it stands now."""

    @abstractmethod
    def film(self) -> Tensor:
        """Pictures [B, 3, S, S] by which one sees what it has learned, the same ones each time."""

    @abstractmethod
    def told(self) -> tuple[int, str]:
        """How far it is: epochs, or steps where it knows none, and the same in words."""

    def sample(self, random: Sequence[np.random.Generator]) -> np.ndarray:
        """Samples uint8 [N, S, S, 3] of the averaged network, as its users will get them."""
        octaves = self.training.average.octaves
        return drawing.sampled(self.rule().draw, self._painted, octaves, random)[0]

    @torch.no_grad()
    def _painted(self, z: np.ndarray) -> np.ndarray:
        parts = torch.from_numpy(z).split(PAINTED_AT_ONCE)
        made = [self.training.average(part.to(self.device)).cpu() for part in parts]
        return torch.cat(made).numpy()

    def pictured(self) -> State:
        """What of the state makes the pictures."""
        return {"average": self.training.average.state_dict()} | self.latents

    def put_back(self, pictured: State) -> None:
        self.training.average.load_state_dict(pictured["average"])
        for name, latents in self.latents.items():
            latents.copy_(pictured[name])

    def state(self) -> State:
        """All that is needed to go on."""
        others = {name: other.state_dict() for name, other in self.others.items()}
        return self.training.state() | {"loss": self.loss} | self.latents | others

    def restore(self, state: State) -> None:
        self.training.restore(state)
        self.put_back(state)
        self.loss = state["loss"]
        for name, other in self.others.items():
            other.load_state_dict(state[name])

    def card(self) -> dict[str, Any]:
        """What the student's card says of it."""
        network = self.training.average
        return {
            "size": network.size,
            "latent_dim": network.latent_dim,
            "mask": network.paints_mask,
            "octaves": network.octaves,
            "classes": self.classes,
            "preset": self.spec.preset,
        }

    def arrays(self, progress: Progress) -> dict[str, np.ndarray]:
        """What is kept beside the network: the names of its images, and what samples need."""
        return {
            "brightness": initial_codes.scene_brightness(self.learned.images, self.learned.masks),
            "labels": self.learned.labels,
            "names": self.learned.names.astype(str),
            "hashes": self.learned.hashes.astype(str),
            "held_names": self.held.names.astype(str),
            "held_hashes": self.held.hashes.astype(str),
        }


class OnImages(Recipe):
    """A recipe that goes through the images again and again: a round is an epoch."""

    def __init__(self, spec: Spec, learned: Material, held: Material):
        super().__init__(spec, learned, held)
        torch.manual_seed(spec.seed)
        self.images, self.masks = self.on_device(learned)
        self.network: Any = self._network().to(self.device)
        self.network.to(memory_format=torch.channels_last)
        epoch = math.ceil(len(learned) / spec.batch)
        pace = Pace(
            seconds=60 * spec.minutes * LEARNING_SHARE,
            steps=spec.epochs * epoch,
            stride=epoch,
            warm_up=WARM_UP * epoch,
            stair=epoch,
            decay=EMA_DECAY,
        )
        groups = [{"params": list(self.network.parameters())}, *self._other_groups()]
        optimizer = torch.optim.Adam(groups, lr=spec.learning_rate, betas=(0.9, 0.99))
        self.training = TimedTraining(self.network, optimizer, pace)

    @abstractmethod
    def _network(self) -> Any:
        """The student, untrained."""

    def _other_groups(self) -> list[dict[str, Any]]:
        """What is learned beside the network."""
        return []

    def on_device(self, material: Material) -> tuple[Tensor, Tensor]:
        """Images uint8 [N, 3, S, S] and masks bool [N, 1, S, S]."""
        images = torch.from_numpy(material.images).permute(0, 3, 1, 2).to(self.device)
        return images, torch.from_numpy(material.masks)[:, None].to(self.device)

    def losses(self) -> Iterator[Losses]:
        """Of one pass in an order that depends on seed and epoch alone."""
        random = torch.Generator().manual_seed(self.spec.seed * 100_003 + self.training.rounds)
        order = torch.randperm(len(self.images), generator=random).to(self.device)
        for batch in order.split(self.spec.batch):
            yield self.losses_of(batch, self.images[batch].float() / 255, random)

    @abstractmethod
    def losses_of(self, batch: Tensor, images: Tensor, random: torch.Generator) -> Losses:
        """Of a batch: its places, and its images [B, 3, S, S] in 0…1."""

    def told(self) -> tuple[int, str]:
        epoch = self.training.rounds
        return epoch, f"epoch {epoch} of {self.spec.epochs}, loss {self.loss:.3f}"


class Paper(OnImages):
    """Source A's: a new z for each image and step, under L1."""

    def _network(self) -> networks.PaperStudent:
        return networks.PaperStudent()

    def losses_of(self, batch: Tensor, images: Tensor, random: torch.Generator) -> Losses:
        z = torch.randn(len(batch), self.network.latent_dim, generator=random).to(self.device)
        return {"image loss": functional.l1_loss(self.network(z), images)}

    def rule(self) -> drawing.Rule:
        return drawing.AnyLatent(self.network.latent_dim, self.classes)

    def film(self) -> Tensor:
        random = torch.Generator().manual_seed(self.spec.seed)
        z = torch.randn(FILM_COLUMNS, self.network.latent_dim, generator=random)
        return self.training.average(z.to(self.device))

"""Teach the detector that ships, on images that are rendered while it learns. Heavy (torch).

    python -m backend.detection.pretraining --minutes 120 --folder work

No image is seen twice: batch k is rendered from seeds of its own, of all materials, at one of
several sizes. It goes on from the checkpoint in the folder; at the end it is judged on images of
other seeds, and written beside its card.
"""

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from backend import renderer
from backend.detection import shipped
from backend.images import imagefiles
from backend.images.labelled_image import LabelledImage
from backend.images.vocabulary import DEFECTS, GLASS, KINDS, MATERIALS
from backend.numeric import devices
from backend.numeric.learning import Checkpoint, Losses, Pace, State, TimedTraining
from backend.records import Box

SIZES = (128, 128, 160, 160, 192, 256)
PIXELS = 32 * 160 * 160  # a batch, whatever its size
INTACT = 0.15
MOSTLY = 0.25  # share of glass beyond its turn
MOST_DEFECTS = 5
RATE, WARM_UP, WEIGHT_DECAY = 2e-3, 200, 5e-4
EMA = 0.9995
FIRST_SEED = 10**9  # the product's own jobs start at small seeds
JUDGED, JUDGED_SIZE, JUDGED_SEED = 400, 160, 2 * 10**9
GAINS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5)
SAVE_SECONDS = 120.0
ROUND = 20  # steps between which it tells how it goes

Batch = dict[str, Tensor]


class Rendered(IterableDataset[Batch]):
    """Batches without end, the first of them number `first`."""

    def __init__(self, first: int):
        self.first = first

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        at, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for number in range(self.first + at, 10**9, step):
            yield batch(number)


def batch(number: int) -> Batch:
    """Batch `number` as ultralytics' loss wants it: img [B, 3, S, S] in 0..1, boxes as shares of
    the image's size, centre and extent."""
    size = int(np.random.default_rng([number, 2]).choice(SIZES))
    count = PIXELS // size**2
    made = [drawn(FIRST_SEED + number * 256 + place, size) for place in range(count)]
    boxes = [(k, _shares(box, size)) for k, one in enumerate(made) for box in one.boxes]
    images = np.stack([one.image for one in made]).transpose(0, 3, 1, 2)
    return {
        "img": torch.from_numpy(images.copy()),
        "batch_idx": torch.tensor([k for k, _ in boxes], dtype=torch.float32),
        "cls": torch.tensor([[box[0]] for _, box in boxes], dtype=torch.float32).reshape(-1, 1),
        "bboxes": torch.tensor([box[1:] for _, box in boxes], dtype=torch.float32).reshape(-1, 4),
    }


def drawn(seed: int, size: int) -> renderer.Rendered:
    """One image of a material and a number of defects that depend on the seed."""
    rng = np.random.default_rng([seed, 1])
    intact, glass = rng.random(2) < (INTACT, MOSTLY)
    material = GLASS if glass else str(rng.choice(MATERIALS))
    return renderer.render(
        seed,
        size,
        classes=DEFECTS[material],
        material=material,
        defects=(0, 0) if intact else (1, MOST_DEFECTS),
    )


def _shares(box: Box, size: int) -> tuple[float, ...]:
    x1, y1, x2, y2 = box.xyxy
    shares = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
    return KINDS.index(box.class_name), *(value / size for value in shares)


class Lessons:
    """A detector that learns from rendered images, and where it stands."""

    def __init__(self, minutes: float, start: Path | None):
        torch.manual_seed(0)
        network = shipped.untrained(KINDS)
        if start is not None:
            _take_over(network, shipped.load(start))
        vars(network)["args"] = GAINS
        optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
        pace = Pace(seconds=60 * minutes, warm_up=WARM_UP, decay=EMA)
        self.training = TimedTraining(network.train(), optimizer, pace)
        self.images = 0

    def losses(self, batches: Iterator[Batch]) -> Iterator[Losses]:
        """Of each step of a round."""
        for one in itertools.islice(batches, ROUND):
            one["img"] = one["img"].float() / 255
            with devices.autocast(torch.device("cpu")):
                parts, _ = self.training.network(one)
            self.images += len(one["img"])
            yield dict(zip(("box", "class", "edges"), parts / len(one["img"]), strict=True))

    def state(self) -> State:
        return self.training.state() | {"images": self.images}

    def restore(self, state: State) -> None:
        self.training.restore(state)
        self.images = state["images"]


def _take_over(network: nn.Module, known: nn.Module) -> None:
    """The weights of another detector, but for those of its own classes."""
    mine, theirs = network.state_dict(), known.state_dict()
    fits = {name: value for name, value in theirs.items() if value.shape == mine[name].shape}
    network.load_state_dict(fits, strict=False)


def train(folder: Path, minutes: float, start: Path | None = None) -> Lessons:
    """Learn until `minutes` of training are over, those of earlier calls counted."""
    lessons = Lessons(minutes, start)
    checkpoint = Checkpoint(folder / "pretraining.pt", SAVE_SECONDS, lessons)
    training = lessons.training
    loader = DataLoader(Rendered(training.step), batch_size=None, num_workers=1, prefetch_factor=8)
    batches = iter(loader)
    while training.done < 1:
        told = training.round(lessons.losses(batches))
        words = ", ".join(f"{name} {value:.3f}" for name, value in told.items())
        minutes_done = f"{training.seconds / 60:6.1f} min"
        print(
            f"{minutes_done}, {training.step} steps, {lessons.images} images: {words}", flush=True
        )
        checkpoint.keep()
    checkpoint.keep(now=True)
    return lessons


def judge(folder: Path) -> dict[str, Any]:
    """What the finished weights find on images of seeds of their own: AP50 of all materials, with
    every kind of defect a class, and of cracks in glass as a detector's own test draws them."""
    from backend.detection.detector import training
    from backend.detection.testset import test_images

    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        weights = shipped.as_checkpoint(place / "start.pt", folder)
        every = [_kept(k, place / "every") for k in range(JUDGED)]
        cracks = test_images.load("", "", place / "cracks", JUDGED_SIZE).images
        found = {}
        for title, images in (("all materials", every), ("cracks in glass", cracks)):
            judged = training.judge(weights, images, KINDS, JUDGED_SIZE, place / title)
            found[title] = {"ap50": round(judged.ap50(), 3), "images": len(images)}
    return found


def _kept(number: int, folder: Path) -> LabelledImage:
    made = drawn(JUDGED_SEED + number, JUDGED_SIZE)
    path = folder / f"{number:05d}.png"
    imagefiles.write(path, made.image)
    return LabelledImage(path, "rendered", made.boxes, name=path.stem, group=path.stem)


def main() -> None:
    """Train, judge, and write the half-precision weights and their card into the folder."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--start", type=Path, help="a folder with earlier weights to start from")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    lessons = train(given.folder, given.minutes, given.start)
    about = {
        "model": shipped.MODEL,
        "classes": list(KINDS),
        "images": lessons.images,
        "minutes": round(lessons.training.seconds / 60),
        "licence": "AGPL-3.0, as the rest of this project; learned from rendered images alone",
        "command": f"python -m backend.detection.pretraining --minutes {given.minutes:g}",
    }
    shipped.write(lessons.training.average, about, given.folder)
    shipped.write_card(about | {"judged": judge(given.folder)}, given.folder)


if __name__ == "__main__":
    main()

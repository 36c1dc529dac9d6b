"""ultralytics' trainer with a set share of real images in each batch. Heavy (torch)."""

import random
from pathlib import Path
from typing import Any

from ultralytics.data import YOLODataset
from ultralytics.data.build import InfiniteDataLoader
from ultralytics.models.yolo.detect import DetectionTrainer

from backend.detection.mixing import Mixing, Order


class OfOneKind(YOLODataset):
    """Joins an image into a mosaic with images of its own kind alone, real or synthetic.

    ultralytics takes three quarters of a mosaic from any images, so the share would not hold.
    """

    kinds: tuple[list[int], list[int]]
    mine: list[int]

    def __getitem__(self, index: int) -> dict[str, Any]:
        self.mine = next(kind for kind in self.kinds if index in kind)
        return super().__getitem__(index)

    def get_image_and_label(self, index: int) -> dict[str, Any]:
        partner = index if index in self.mine else random.choice(self.mine)
        return super().get_image_and_label(partner)


class MixedTrainer(DetectionTrainer):
    """mixing: how real and synthetic images take turns; None: all are loaded as ultralytics does.
    real: stems of the files of real images. steps_an_epoch: 0: as many as the images make."""

    mixing: Mixing | None = None
    real: frozenset[str] = frozenset()
    steps_an_epoch = 0
    epoch = 0

    def get_dataloader(
        self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train"
    ) -> Any:
        if mode != "train" or self.mixing is None:
            return super().get_dataloader(dataset_path, batch_size, rank, mode)
        dataset = self.build_dataset(dataset_path, mode, batch_size)
        real = [Path(file).stem in self.real for file in dataset.im_files]
        length = self.steps_an_epoch * batch_size or len(dataset)
        order = Order(
            real,
            self.mixing,
            batch_size,
            length,
            self.epochs,
            self.args.seed,
            lambda: self.epoch,
        )
        if not order.as_they_come:
            dataset.__class__ = OfOneKind
            dataset.kinds = tuple([k for k, r in enumerate(real) if r == kind] for kind in (1, 0))
        return InfiniteDataLoader(
            dataset,
            batch_size=batch_size,
            sampler=order,
            num_workers=0,
            collate_fn=dataset.collate_fn,
        )

"""A detector trained on a data set, in one way or in several to choose from, and judged."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from ultralytics import YOLO

from backend.detection import evaluation, onnx_graph
from backend.detection.detector import batches, epochs, kinds, validation
from backend.detection.detector.epochs import TRAINING_SHARE
from backend.detection.detector.spec import Recipe, Spec
from backend.detection.evaluation import Judged
from backend.detection.mixing import AS_THEY_COME, Mixing
from backend.detection.testset import test_images
from backend.images.labelled_image import LabelledImage
from backend.records import Progress

Tried = tuple[tuple[Mixing, Judged], ...]


@dataclass(frozen=True)
class TrainedDetector:
    """best: the weights file. names: its classes. own: judged on own_images, the set's own
    validation images. choosing: judged on those by which the confidence is chosen, the real ones
    of them where a share of real images is set, else all. chosen_by_real: whether it is these,
    though there are others. mixing: how real and synthetic images took turns, None where all came
    as they are. tried: the ways it was chosen among, each judged on the real images held back."""

    best: Path
    names: tuple[str, ...]
    epochs: int
    own_images: tuple[LabelledImage, ...]
    own: Judged
    choosing: Judged
    confidence: float
    chosen_by_real: bool = False
    mixing: Mixing | None = None
    tried: Tried = ()


def train(
    spec: Spec, weights: Path | None, dataset: Path, out_dir: Path, progress: Progress
) -> TrainedDetector:
    """Train on a data set run; goes on from the last epoch where the run was interrupted."""
    data = data_file(dataset, out_dir)
    known = kinds.of(dataset)
    own = tuple(map(known.grouped, test_images.read_yolo(data.parent, "val").images))
    mixings = spec.mixings() if known.mixed and spec.mixings() != (AS_THEY_COME,) else ()
    held = [image for image in own if mixings and image.path.stem in known.held]
    lessons = _Lessons(spec.recipe(), weights, data, out_dir / "checkpoint", held, known.real)
    folder, mixing, tried = lessons.choose(mixings, progress)
    best = _kept(folder, out_dir / "artifacts")
    progress(TRAINING_SHARE, f"judging {len(own)} of its own validation images")
    judged = lessons.judged(best, own)
    seen = lessons.judged(best, held) if held else judged
    choosing = seen if seen.correct.any() else judged
    return TrainedDetector(
        best=best,
        names=lessons.names,
        epochs=len(best.with_name("results.csv").read_text().splitlines()) - 1,
        own_images=own,
        own=judged,
        choosing=choosing,
        confidence=choosing.best_f1(spec.may_alarm()).confidence,
        chosen_by_real=len(choosing.truths) < len(judged.truths),
        mixing=mixing,
        tried=tried,
    )


def _kept(training: Path, artifacts: Path) -> Path:
    """The best weights of a training; its table of epochs and first batches come beside them."""
    pictures = training / batches.FOLDER
    if pictures.exists():  # an earlier version kept them elsewhere
        shutil.copytree(pictures, artifacts / batches.FOLDER, dirs_exist_ok=True)
    shutil.copy(training / "results.csv", artifacts / "results.csv")
    return Path(shutil.copy(training / "weights" / "best.pt", artifacts / "detector.pt"))


@dataclass(frozen=True)
class _Lessons:
    """Trainings on the same data. folder: where each has its own. held: real images that no
    training sees, by which the best epoch is chosen, and the best training. real: names."""

    recipe: Recipe
    weights: Path | None
    data: Path
    folder: Path
    held: Sequence[LabelledImage]
    real: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """The classes."""
        return tuple(json.loads(self.data.read_text(encoding="utf-8"))["names"].values())

    def choose(
        self, mixings: Sequence[Mixing], progress: Progress
    ) -> tuple[Path, Mixing | None, Tried]:
        """The best training's folder, its way, and all that were tried, where there are several."""
        if len(mixings) < 2:
            mixing = next(iter(mixings), None)
            return self.run("training", mixing, progress), mixing, ()
        tried: list[tuple[Mixing, Judged]] = []
        folders = []
        for k, mixing in enumerate(mixings):
            told = _part(progress, k, len(mixings), self.recipe.epochs)
            folders.append(self.run(f"training-{k}", mixing, told))
            tried.append((mixing, self.judged(folders[k] / "weights" / "best.pt", self.held)))
        best = max(range(len(tried)), key=lambda k: tried[k][1].ap50())
        return folders[best], mixings[best], tuple(tried)

    def run(self, name: str, mixing: Mixing | None, progress: Progress) -> Path:
        """Train in a folder of that name."""
        folder = self.folder / name
        data = _judged_on(self.data, self.held) if self.held else self.data
        epochs.run(self.recipe, self.weights, data, folder, progress, mixing, self.real)
        return folder

    def judged(self, weights: Path, images: Sequence[LabelledImage]) -> Judged:
        return judge(weights, images, self.names, self.recipe.size, self.folder / "judged")


def _judged_on(data: Path, held: Sequence[LabelledImage]) -> Path:
    """A data.yaml in which these images choose the best epoch."""
    files = data.with_name("held.txt")
    files.write_text("\n".join(str(image.path) for image in held))
    path = data.with_name("held.yaml")
    path.write_text(json.dumps(json.loads(data.read_text()) | {"val": files.name}))
    return path


def _part(progress: Progress, place: int, count: int, epochs: int) -> Progress:
    """Tells of one training among several, whose epochs are numbered through."""

    def told(fraction: float, message: str = "", **more: Any) -> None:
        step = {"step": place * epochs + more["step"]} if "step" in more else {}
        words = f"training {place + 1} of {count}: {message}"
        progress((TRAINING_SHARE * place + fraction) / count, words, **(more | step))

    return told


def judge(
    weights: Path,
    images: Sequence[LabelledImage],
    names: tuple[str, ...],
    size: int,
    folder: Path,
) -> Judged:
    """Validate as ultralytics does, and judge what it found. folder: a place to work in."""
    found = validation.validate(weights, images, names, size, folder)
    boxes, levels = [f.boxes for f in found], [f.levels for f in found]
    return evaluation.judge(images, boxes, levels, names)


def data_file(dataset: Path, out_dir: Path) -> Path:
    """A data.yaml with the absolute place of the set, as ultralytics wants it.

    The set is copied into the run's own folder, for ultralytics writes a cache beside it.
    """
    folder = out_dir / "checkpoint" / "data"
    if not folder.exists():
        shutil.copytree(dataset / "artifacts", folder, dirs_exist_ok=True)
    path = folder / "data.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"path": str(folder)}))
    return path


def to_onnx(weights: Path, size: int) -> Path:
    """Write `<weights>.onnx` beside the weights: whole, from pictures to boxes; its path.

    size: edge in px of the square that pictures are fitted into.
    """
    found: Any = YOLO(weights, task="detect")
    network = found.model.float().cpu().fuse().eval()
    head = network.model[-1]
    head.export, head.format = True, "onnx"
    example, target = torch.zeros(2, 3, size, size), weights.with_suffix(".onnx")
    with torch.inference_mode():
        shape = network(example).shape  # the head lays out its grid too
        torch.onnx.export(
            network,
            (example,),
            str(target),
            input_names=["square"],
            output_names=["found"],
            opset_version=onnx_graph.OPSET,
            dynamic_axes={"square": {0: "B"}, "found": {0: "B"}},
            dynamo=False,
        )
    made = onnx.load(target)
    for length, axis in zip(shape[1:], _axes(made)[1:], strict=True):  # it left these open
        axis.dim_value = length
    onnx.helper.set_model_props(made, {"names": repr(found.names)})
    onnx.save(onnx_graph.whole(made), target)
    return target


def _axes(model: onnx.ModelProto) -> Any:
    """The lengths of the axes of a graph's one output."""
    return model.graph.output[0].type.tensor_type.shape.dim

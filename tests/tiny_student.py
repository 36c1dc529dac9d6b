"""A student that was never taught: a few random layers as ONNX, with learned latents beside it."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from backend.core import runs
from backend.core.runs import Run
from backend.images import imageset
from backend.images.labelled_image import LabelledImage
from backend.records import RunState

DIM, SIZE, COUNT = 8, 64, 18
CLASSES = ("chip", "crack")


def quiet(*args: object, **kwargs: object) -> None:
    """A progress nobody looks at."""


def teacher(folder: Path, count: int = COUNT) -> Run:
    """A finished `folder` teacher run: noise with a bright square as its defect, 64 px."""
    run = runs.create(folder, "generate", {"teacher": "folder", "licence": "CC BY 4.0"})

    def make(index: int) -> LabelledImage:
        random = np.random.default_rng(index)
        pixels = random.integers(0, 120, (SIZE, SIZE, 3), np.uint8)
        mask = np.zeros((SIZE, SIZE), np.uint8)
        x, y = random.integers(4, 40, 2)
        mask[y : y + 16, x : x + 16] = 255
        pixels[mask > 0] = 230
        return LabelledImage(pixels, "photograph", mask=mask)

    imageset.write(run.folder, count, make, quiet)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return runs.read(run.folder)


def student(folder: Path, teacher_run: str = "", *, masks: bool = True, held: int = 0) -> Run:
    """A finished `distill` run; without masks it has no latents either, as the paper's."""
    spec = {"teacher_run": teacher_run, "preset": "default" if masks else "paper"}
    run = runs.create(folder, "distill", spec, name="tiny student")
    artifacts = run.folder / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    network(artifacts / "student.onnx", 4 if masks else 3, random)
    latents = random.standard_normal((COUNT, DIM)).astype(np.float32)
    learned = COUNT - held
    names = np.array([f"{k:06d}" for k in range(COUNT)])
    hashes = np.array([_hash(folder / teacher_run / "artifacts", name) for name in names])
    np.savez(
        artifacts / "latents.npz",
        latents=latents[:learned] if masks else latents[:0],
        held_latents=latents[learned:] if masks else latents[:0],
        brightness=random.random(learned),
        labels=np.arange(learned) % len(CLASSES),
        names=names[:learned],
        hashes=hashes[:learned],
        held_names=names[learned:],
        held_hashes=hashes[learned:],
    )
    card = {"size": SIZE, "latent_dim": DIM, "mask": masks, "classes": CLASSES if masks else ()}
    (artifacts / "student.json").write_text(json.dumps(card))
    runs.finish(run.folder, RunState.COMPLETED, result={"images": learned, "held": held})
    return runs.read(run.folder)


def _hash(artifacts: Path, name: str) -> str:
    return runs.fingerprint(*(artifacts / layer / f"{name}.png" for layer in ("images", "masks")))[
        :16
    ]


def made_by_an_earlier_version(student: Run, teacher: Run) -> None:
    """Places in place of names, and a provenance that says how the teacher run was."""
    path = student.artifacts / "latents.npz"
    with np.load(path) as stored:
        kept = {name: stored[name] for name in stored.files if "names" not in name}
    learned, held = len(kept.pop("hashes")), len(kept.pop("held_hashes"))
    rows = {"rows": np.arange(learned), "held_rows": np.arange(learned, learned + held)}
    np.savez(path, **kept, **rows)
    then = runs.fingerprint(*(teacher.folder / part for part in runs.PRODUCTS))
    inputs = {f"teacher_run:{teacher.id}": then}
    runs.write_json(student.folder / "provenance.json", {"inputs": inputs})


def network(path: Path, channels: int, random: np.random.Generator) -> None:
    """z [B, 8] → [B, channels, 64, 64] in 0…1: a linear layer, an enlargement, two convolutions."""
    weights = {
        "w": random.standard_normal((DIM, channels * 64)).astype(np.float32),
        "b": random.standard_normal(channels * 64).astype(np.float32),
        "inner": (random.standard_normal((16, channels, 3, 3)) / 6).astype(np.float32),
        "kernel": (random.standard_normal((channels, 16, 3, 3)) / 12).astype(np.float32),
        "shape": np.array([-1, channels, 8, 8]),
        "scales": np.array([1, 1, 8, 8], np.float32),
    }
    nodes = [
        helper.make_node("Gemm", ["z", "w", "b"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["small"]),
        helper.make_node("Resize", ["small", "", "scales"], ["large"], mode="linear"),
        helper.make_node("Conv", ["large", "inner"], ["hidden"], "hidden", pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["hidden", "kernel"], ["painted"], "last", pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["painted"], ["image"]),
    ]
    graph = helper.make_graph(
        nodes,
        "student",
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", DIM])],
        [
            helper.make_tensor_value_info(
                "image", TensorProto.FLOAT, ["batch", channels, SIZE, SIZE]
            )
        ],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path)

"""What the packing of one kind of model gives, and how it is put into a folder."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend.core import places, runs
from backend.deployment.package import contract
from backend.images import imagefiles

GOLDEN = 20
SORTS = {  # part of a tensor's name: what it is
    "backbones.": "features",
    "denoiser": "diffusion",
    ".bank": "GOOD patches",
    ".root": "whitening",
    ".turn": "whitening",
    ".centre": "whitening",
    ".level_": "calibration",
    "network": "network",
}
OTHER = "operators and the rest"
EXAMPLES = Path(__file__).with_name("examples")


@dataclass(frozen=True)
class Parity:
    """How the packed model agrees with the trained one on the `n` pictures of its test set.

    score: largest difference of a score, relative above 1. further: by name, of what else comes
    out. flips: how many pictures get another verdict.
    """

    n: int
    score: float
    further: dict[str, float]
    flips: int


@dataclass(frozen=True)
class Golden:
    """A picture uint8 [H, W, 3] that whoever takes the package feeds it first, and what has to come
    out. asked: what goes in beside the picture."""

    name: str
    pixels: np.ndarray
    asked: dict[str, Any]
    expected: dict[str, Any]


@dataclass(frozen=True)
class Made:
    """head: what of package.json only this kind of model knows. sizes: MB of model.onnx by what
    takes them. example: the program that goes with it. card: the model card in Markdown, from the
    whole package.json. told: fields of the result that only this kind has."""

    head: dict[str, Any]
    sizes: dict[str, float]
    parity: Parity
    golden: tuple[Golden, ...]
    example: str
    card: Callable[[Mapping[str, Any]], str]
    told: dict[str, Any]


def spread(count: int, most: int = GOLDEN) -> list[int]:
    """Up to `most` places of 0 … count - 1, evenly spread."""
    places = np.linspace(0, count - 1, min(most, count)).round().astype(int)
    return [int(place) for place in np.unique(places)]


def write_golden(folder: Path, golden: Iterable[Golden]) -> None:
    """golden/: a PNG each, and golden.json with what has to come out."""
    (folder / "golden").mkdir(exist_ok=True)
    rows = []
    for number, one in enumerate(golden):
        file = f"{number:02d}.png"
        imagefiles.write(folder / "golden" / file, one.pixels)
        rows.append({"file": file, "name": one.name, **one.asked, "expected": one.expected})
    text = json.dumps({"pictures": rows}, indent=1)
    (folder / "golden" / "golden.json").write_text(text + "\n", encoding="utf-8")


def example(kind: str) -> str:
    """The program that goes with a package of this kind."""
    return (EXAMPLES / f"{kind}.py").read_text(encoding="utf-8")


def write_head(folder: Path, head: dict[str, Any]) -> None:
    """package.json, with the hash of every other file of the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {
        path.relative_to(folder).as_posix(): contract.sha256(path)
        for path in files
        if path.name != contract.HEAD
    }
    runs.write_json(folder / contract.HEAD, places.values(head) | {"files": hashes})


def strip(model: Path) -> None:
    """Take out of an ONNX file what its writer noted of how it was made: it computes nothing, and
    names the folders of this computer."""
    import onnx

    made = onnx.load(model)
    for one in (made.graph, *made.graph.node, *made.graph.value_info, *made.graph.initializer):
        del one.metadata_props[:]
    del made.graph.value_info[:]
    onnx.save(made, model)


def network_sizes(model: Path) -> dict[str, float]:
    """MB of the file of a network that is not taken apart further."""
    import onnx

    tensors = onnx.load(model).graph.initializer
    return sizes(model, {"network": sum(one.ByteSize() for one in tensors)})


def sizes(model: Path, tensors: Mapping[str, int]) -> dict[str, float]:
    """MB of a model's file by what takes them, the largest first.

    tensors: bytes of each of the trained model's tensors, by its name.
    """
    found: Counter[str] = Counter()
    for name, count in tensors.items():
        found[next((words for part, words in SORTS.items() if part in name), OTHER)] += count
    found[OTHER] += model.stat().st_size - found.total()
    return {name: round(count / 1e6, 3) for name, count in found.most_common()}

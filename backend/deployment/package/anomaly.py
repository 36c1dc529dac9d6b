"""An anomaly model as one ONNX file, and the proof that its scores are the model's own.

The file takes raw crops: scaling, features, whitening, diffusion and z-scores are all inside.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.core.runs import Run
from backend.deployment.package import cards, contract, limits
from backend.deployment.package.contract import Judged, Package
from backend.deployment.package.limits import Limits
from backend.deployment.package.made import Golden, Made, Parity, example, sizes, spread, strip
from backend.deployment.package.spec import Spec
from backend.inspection.parts.crops import read_crop
from backend.inspection.threshold.limits import verdicts
from backend.records import Label, Progress
from backend.settings import settings

if TYPE_CHECKING:
    from torch import nn

INPUTS, OUTPUTS = ("crops", "types"), ("score", "anomaly_map")
BATCH = 32
FALSE_ALARMS = 0.05  # of GOOD parts, where verdicts are compared and no limits are in force


@dataclass(frozen=True)
class Scores:
    """What a model makes of parts: scores [N] and anomaly maps [N, G, G], in z units."""

    score: NDArray[np.float32]
    anomaly_map: NDArray[np.float32]

    def gaps(self, other: "Scores") -> tuple[float, float]:
        """Largest differences to another's scores and map values, |a - b| / max(1, |a|)."""
        pairs = (self.score, other.score), (self.anomaly_map, other.anomaly_map)
        found = [float((np.abs(a - b) / np.maximum(1, np.abs(a))).max()) for a, b in pairs]
        return found[0], found[1]


def make(spec: Spec, model: Run, folder: Path, progress: Progress) -> Made:
    """Write model.onnx into `folder`, and compare it with the trained model on all its parts."""
    progress(0.05, "reading the model")
    net, about = loaded(model)
    parts = contract.test_images(model)
    crops, names = crops_of(parts, about["size"]), [part.feature_type for part in parts]
    types = contract.type_index(names, about["features"])
    progress(0.15, "writing the ONNX file (some ten seconds)")
    free = write(net, folder / contract.MODEL, crops, types, spec.opset)
    strip(folder / contract.MODEL)
    progress(0.5, f"comparing scores of {len(parts)} parts")
    wanted = trained(net, crops, types)
    progress(0.75, "comparing scores")
    head = _head(about, free, wanted)
    package = Package(folder, contract.ANOMALY, about["size"], tuple(about["features"]), head)
    found = packed(package, crops, names)
    told = limits.told(model.folder.parent.parent, model.id)
    known = limits.by_type(told) or _usual_limits(parts, names, wanted)
    flips = _verdicts(wanted, names, known) != _verdicts(found, names, known)
    score, further = wanted.gaps(found)
    order = contract.by_type(parts)
    return Made(
        head,
        sizes(folder / contract.MODEL, {k: v.nbytes for k, v in net.state_dict().items()}),
        Parity(len(parts), score, {"map": further}, int(flips.sum())),
        tuple(_golden(parts, crops, found, [order[place] for place in spread(len(parts))])),
        example("anomaly"),
        lambda head: cards.anomaly(model, head),
        {"map_difference": further, "backbone": about["backbone"]},
    )


def _usual_limits(
    parts: Sequence[Judged], names: Sequence[str], scores: Scores
) -> dict[str, Limits]:
    """A limit a type that one GOOD part in twenty exceeds, halfway between two scores."""
    found: dict[str, Limits] = {}
    good = np.array([part.label is Label.GOOD for part in parts])
    for name in sorted(set(names)):
        mine = np.sort(scores.score[good & (np.array(names) == name)])[::-1]
        above = int(FALSE_ALARMS * len(mine))
        limit = float(mine[above : above + 2].mean()) if len(mine) else 0.0
        found[name] = (limit, limit)
    return found


def _verdicts(
    scores: Scores, names: Sequence[str], known: Mapping[str, Limits]
) -> NDArray[np.str_]:
    """GOOD, review or BAD for each part."""
    pairs = zip(scores.score, names, strict=True)
    return np.array([verdicts([s], *known.get(name, (None, None)))[0] for s, name in pairs])


def loaded(model: Run) -> "tuple[nn.Module, dict[str, Any]]":
    """The trained model of a run, and what it says of itself."""
    from backend.inspection.model import inspector

    return inspector.load(model.artifacts / "model")


def crops_of(parts: Sequence[Judged], size: int) -> NDArray[np.uint8]:
    """RGB crops [N, size, size, 3] of parts."""
    return np.stack([read_crop(part.path, size) for part in parts])


def write(
    model: "nn.Module",
    target: Path,
    crops: NDArray[np.uint8],
    types: NDArray[np.int64],
    opset: int,
) -> bool:
    """Write one self-contained ONNX file; True if its batch size is free, else it is 1.

    crops, types: examples that are traced, two at least.
    """
    import torch

    batch = torch.export.Dim("batch", min=1, max=4096)
    try:
        shapes = {"crops": {0: batch}, "types": {0: batch}}
        _write(model, target, crops[:2], types[:2], opset, shapes)
        return True
    except Exception as error:
        print(f"No free batch size ({type(error).__name__}): packing for one part at a time.")
        _write(model, target, crops[:1], types[:1], opset, None)
        return False


def _write(
    model: "nn.Module",
    target: Path,
    crops: NDArray[np.uint8],
    types: NDArray[np.int64],
    opset: int,
    dynamic_shapes: dict[str, Any] | None,
) -> None:
    """The export itself, with these parts as the example that is traced."""
    import torch

    torch.onnx.export(
        model,
        (torch.from_numpy(crops.copy()), torch.from_numpy(types.copy())),
        str(target),
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        opset_version=opset,
        dynamo=True,
        dynamic_shapes=dynamic_shapes,
        external_data=False,
        verbose=False,
    )


def trained(model: "nn.Module", crops: NDArray[np.uint8], types: NDArray[np.int64]) -> Scores:
    """What the trained model makes of crops [N, S, S, 3] of these types [N]."""
    import torch

    with torch.inference_mode():
        pieces = [
            model(torch.from_numpy(crops[i : i + BATCH]), torch.from_numpy(types[i : i + BATCH]))
            for i in range(0, len(crops), BATCH)
        ]
    score, anomaly_map = (torch.cat(column).numpy() for column in zip(*pieces, strict=True))
    return Scores(score, anomaly_map)


def packed(package: Package, crops: NDArray[np.uint8], feature_types: Sequence[str]) -> Scores:
    """What the packed model makes of crops [N, S, S, 3]."""
    session = contract.session(package, threads=settings().threads)
    return Scores(*package.answers(session, package.feed(crops, feature_types)))


def _head(about: dict[str, Any], free: bool, scores: Scores) -> dict[str, Any]:
    """What of package.json tells of inputs and outputs."""
    batch, size, grid = "batch" if free else 1, about["size"], scores.anomaly_map.shape[1]
    return {
        "size": size,
        "feature_types": list(about["features"]),
        "inputs": [
            {
                **{"name": "crops", "dtype": "uint8", "shape": [batch, size, size, 3]},
                **{"range": [0, 255], "colour": "RGB"},
                "meaning": "the picture of a part, nothing else done to it",
            },
            {
                **{"name": "types", "dtype": "int64", "shape": [batch]},
                **{"range": [0, len(about["features"]) - 1]},
                "meaning": "its feature type: the place in feature_types, from 0",
            },
        ],
        "outputs": [
            {
                **{"name": "score", "dtype": "float32", "shape": [batch], "unit": "z-score"},
                "meaning": "0 is a usual GOOD part, higher is more anomalous",
            },
            {
                **{"name": "anomaly_map", "dtype": "float32", "shape": [batch, grid, grid]},
                **{"unit": "z-score", "meaning": "where: the same for each patch, row by row"},
            },
        ],
        "backbone": about["backbone"],
        "provenance": about,
    }


def _golden(
    parts: Sequence[Judged], crops: NDArray[np.uint8], scores: Scores, places: Sequence[int]
) -> Iterator[Golden]:
    for place in places:
        part, found = parts[place], float(scores.score[place])
        highest = float(scores.anomaly_map[place].max())
        asked = {"feature_type": part.feature_type, "label": part.label.name}
        expected = {"score": found, "highest_of_map": highest}
        yield Golden(part.name, crops[place], asked, expected)

"""Results in the shape in which the first version of each kind wrote them."""

import shutil
from pathlib import Path
from typing import Any

from backend.core import runs
from backend.deployment.package import contract

FIELDS = {
    "generate": ["images", "intact", "boxes", "mask_share"],
    "parts": [
        "n",
        "n_good",
        "n_bad",
        "features",
        "counts",
        "groups",
        "duplicates",
        "source",
        "notes",
    ],
    "dataset": ["images", "boxes", "empty", "training", "validation", "source", "labels"],
    "detector": [
        "ap50",
        "ap50_low",
        "ap50_high",
        "false_alarms",
        "recall",
        "precision",
        "confidence",
        "constant_box_ap50",
        "own_validation_ap50",
        "test_images",
        "test_intact",
        "real",
        "pretrained",
        "epochs",
        "test_hash",
    ],
    "similarity": [
        "pairs",
        "matched_ssim",
        "random_ssim",
        "mean_image_ssim",
        "gap",
        "sharpness",
        "diversity",
        "mask_iou",
    ],
    "distill": [
        "preset",
        "size",
        "latent_dim",
        "paints_mask",
        "images",
        "epochs",
        "parameters",
        "megabytes",
        "loss",
    ],
    "export": [
        "file",
        "megabytes",
        "difference",
        "map_difference",
        "tolerance",
        "checked",
        "features",
        "size",
        "dynamic_batch",
        "opset",
        "backbone",
    ],
    "latency": [
        "variant",
        "p50",
        "p95",
        "p99",
        "mean",
        "parts_per_second",
        "repetitions",
        "threads",
        "cpu",
    ],
    "inspect": [
        "mean_auroc",
        "averaged",
        "weakest",
        "difference",
        "n",
        "n_good",
        "n_bad",
        "features",
        "unreliable",
        "backbone",
        "mode",
        "folds",
        "repeats",
        "part_seconds",
        "seconds",
        "notes",
    ],
    "agreement": [
        "images",
        "boxes",
        "best",
        "share",
        "share_low",
        "share_high",
        "mask_iou",
        "ceiling",
    ],
    "ablation": ["settings", "best", "auroc", "own_auroc", "gain", "averaged", "folds", "mode"],
    "threshold": [
        "version",
        "method",
        "promise",
        "alarm_rate",
        "review_rate",
        "ready",
        "short",
        "n_good",
        "n_bad",
        "notes",
    ],
    "testset": ["images", "intact", "boxes", "groups", "classes", "near_duplicates", "hash"],
    "sample": ["images", "intact", "boxes", "mask_share", "size", "licence", "notes"],
    "student-export": [
        "megabytes",
        "images_a_second",
        "int8_passes",
        "int8_megabytes",
        "int8_images_a_second",
        "psnr",
        "ssim",
        "mask_iou",
        "int8",
        "checked",
        "measured",
        "licence",
        "computer",
    ],
    "study": [
        "verdicts",
        "trials",
        "seeds",
        "steps",
        "test_images",
        "test_intact",
        "test_groups",
        "test_boxes",
        "real_training_images",
        "intact_training_images",
        "constant_box_ap50",
        "pretrained",
        "seconds_per_trial",
        "test_hash",
        "near_duplicates",
    ],
}
GONE = {"ablation": {"best": "timesteps = 1", "auroc": 0.8, "gain": 0.1}}


def result(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    """Today's result of a kind without the fields that came later, with those that are gone."""
    whole = values | GONE.get(kind, {})
    return {name: whole[name] for name in FIELDS.get(kind, values)}


def exported(folder: Path) -> None:
    """A package as the first version exported it: the files beside one another, no package.json."""
    asked, ended = (runs.read_json(folder / f"{name}.json") for name in ("spec", "result"))
    student = ended["result"]["kind"] == "student"
    kind, field = ("student-export", "student_run") if student else ("export", "inspect_run")
    names = {"model.onnx": "student.onnx"} if student else {"package.json": "model.json"}
    packed = contract.folder_of(folder)
    for path in [path for path in packed.iterdir() if path.is_file()]:
        path.rename(folder / "artifacts" / names.get(path.name, path.name))
    shutil.rmtree(packed)
    spec = {field: asked["spec"]["model_run"]}
    values = dict.fromkeys(FIELDS[kind]) | ended["result"] | {"file": "artifacts/model.onnx"}
    runs.write_json(folder / "spec.json", asked | {"kind": kind, "spec": spec})
    runs.write_json(folder / "result.json", ended | {"result": result(kind, values)})

"""Weights that somebody names: a detector's are taken, all others refused in one sentence."""

import shutil

import pytest
import torch
from ultralytics import YOLO

from backend.detection.detector import epochs
from backend.numeric import checkpoints
from backend.records import UserError


def saved(path, layout):
    torch.save({"model": YOLO(layout).model, "ema": None, "train_args": {}}, path)
    return path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no checkpoint that can be read"),
        (torch.zeros(3), "no checkpoint that can be read"),
        ({"a": torch.zeros(3)}, "holds no network"),
        ({"model": {"0.weight": torch.zeros(3)}}, "holds no network"),
    ],
)
def test_a_file_without_a_network_is_refused(tmp_path, content, words):
    file = tmp_path / "x.pt"
    if content is None:
        file.write_bytes(b"")
    else:
        torch.save(content, file)
    with pytest.raises(UserError, match=words):
        checkpoints.read(file)


@pytest.mark.parametrize("task", ["cls", "seg"])
def test_a_network_for_something_else_is_refused(tmp_path, task):
    file = saved(tmp_path / "x.pt", f"yolov8n-{task}.yaml")
    with pytest.raises(UserError, match=r"is no detector but a network for '(classify|segment)'"):
        checkpoints.check_detector(file)


def test_a_detector_is_taken_by_its_own_name_alone(tmp_path):
    file = saved(tmp_path / "x.pt", "yolov8n.yaml")
    checkpoints.check_detector(file)
    other = shutil.copy(file, tmp_path / "x.onnx")
    with pytest.raises(UserError, match=r"x\.onnx is no checkpoint: its name"):
        checkpoints.check_detector(other)


def test_a_checkpoint_that_was_cut_short_is_begun_anew(tmp_path):
    """ultralytics writes it in place: killed meanwhile, no resume would ever get past it."""
    file = saved(tmp_path / "last.pt", "yolov8n.yaml")
    whole = file.read_bytes()
    for size in (len(whole) // 2, 10, 0):
        file.write_bytes(whole[:size])
        assert not epochs._is_finished(file)
        assert not file.exists()

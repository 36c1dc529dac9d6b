"""What a detector's training starts from, and how the weights that ship are taught."""

import numpy as np
import pytest
import torch
from ultralytics import YOLO

from backend.detection import pretraining, shipped, start_weights
from backend.detection.detector import epochs
from backend.detection.detector.spec import Spec
from backend.images.vocabulary import KINDS
from backend.settings import Settings

SMALL = 7 * 2**20  # bytes


@pytest.fixture
def one_size(monkeypatch):
    monkeypatch.setattr(pretraining, "SIZES", (128,))
    monkeypatch.setattr(pretraining, "PIXELS", 4 * 128**2)


@pytest.mark.parametrize(
    ("model", "named", "wanted", "words"),
    [
        ("yolov8n", "", "best", start_weights.RENDERED.words),
        ("yolov8n", "", "random", start_weights.RANDOM.words),
        ("yolov8s", "", "best", start_weights.RANDOM.words),
        ("yolov8s", "mine.pt", "best", "pretrained weights (mine.pt)"),
        ("yolov8n", "mine.pt", "rendered", start_weights.RENDERED.words),
    ],
)
def test_the_best_weights_at_hand_are_taken(storage: Settings, model, named, wanted, words):
    assert start_weights.find(model, named, wanted).words == words


def test_photographs_weights_in_the_storage_go_before_our_own(storage: Settings):
    storage.weights.mkdir(parents=True)
    (storage.weights / "yolov8n.pt").touch()
    found = start_weights.find("yolov8n", "")
    assert found.pretrained
    assert found.file == storage.weights / "yolov8n.pt"


def test_our_own_weights_are_never_called_pretrained(storage: Settings):
    assert not start_weights.RENDERED.pretrained
    assert "rendered images alone" in Spec(dataset_run="x").estimate()
    assert "pretrained" not in Spec(dataset_run="x").estimate()


def test_a_training_can_start_from_the_weights_that_ship(tmp_path):
    model = epochs.start("yolov8n", start_weights.SHIPPED, tmp_path)
    assert tuple(model.names.values()) == tuple(shipped.card()["classes"])
    known = shipped.load().state_dict()
    state = model.model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in known.items())


def test_the_weights_that_ship_are_small_and_say_how_they_were_made():
    assert start_weights.SHIPPED.stat().st_size < SMALL
    card = shipped.card()
    assert {"classes", "images", "minutes", "licence", "command", "judged"} <= set(card)
    assert set(card["classes"]) <= set(KINDS)


def test_weights_survive_the_half_precision_they_ship_in(tmp_path):
    network = shipped.untrained(("crack", "dent"))
    shipped.write(network, {"classes": ["crack", "dent"]}, tmp_path)
    picture = torch.rand(1, 3, 64, 64)
    loaded = shipped.load(tmp_path).eval()
    kept = YOLO(shipped.as_checkpoint(tmp_path / "start.pt", tmp_path)).model.eval()
    with torch.inference_mode():
        first, again, before = (net(picture)[0] for net in (loaded, kept, network.eval()))
    assert torch.equal(first, again)
    assert torch.allclose(first, before, rtol=0.02, atol=0.2)


def test_a_batch_depends_on_its_number_alone(one_size):
    first, again = pretraining.batch(3), pretraining.batch(3)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["img"], pretraining.batch(4)["img"])
    boxes = first["bboxes"].numpy()
    assert first["img"].shape == (4, 3, 128, 128)
    assert len(boxes) == len(first["cls"]) == len(first["batch_idx"])
    assert np.all((boxes > 0) & (boxes <= 1))


def test_every_material_and_class_is_drawn():
    classes = {box.class_name for seed in range(160) for box in pretraining.drawn(seed, 128).boxes}
    assert classes == set(KINDS)


def test_pretraining_goes_on_where_it_stopped(one_size, monkeypatch, tmp_path):
    monkeypatch.setattr(pretraining, "ROUND", 2)
    first = pretraining.train(tmp_path, 0.01)
    again = pretraining.train(tmp_path, 0.01)
    assert again.training.step == first.training.step
    assert again.images == first.images > 0
    longer = pretraining.train(tmp_path, 2 * first.training.seconds / 60 + 0.01)
    assert longer.training.step > first.training.step

"""Training, validation and the ONNX file against ultralytics' own."""

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.detection import curves, evaluation, onnx_detector, yolo_set
from backend.detection.detector import training, validation
from backend.detection.detector.spec import MODELS, Recipe, Spec
from backend.detection.testset import test_images
from backend.detection.yolo_set import Item
from backend.images import imagefiles, matching
from backend.records import Box, UserError
from backend.renderer import render

NAMES = ("crack", "scratch")
SIZE = 64
RECIPE = Recipe("yolov8n", SIZE, 4, 1, 100, "usual", 3)


def quiet(*args: object, **kwargs: object) -> None:
    pass


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data set run of ten rendered images."""
    folder = tmp_path_factory.mktemp("set")
    shots = [render(400 + k, 128, classes=NAMES) for k in range(10)]
    items = [Item(shot.image, shot.boxes, "rendered", str(k)) for k, shot in enumerate(shots)]
    yolo_set.write(folder, items, ["train", "val"] * 5, names=NAMES)
    return folder


def trained(data: Path, out_dir: Path) -> Path:
    (out_dir / "artifacts").mkdir(parents=True)
    copied = training._data_file(data, out_dir)
    training._run_epochs(RECIPE, None, copied, out_dir, quiet)
    return out_dir / "artifacts" / "detector.pt"


def _settled(network: torch.nn.Module) -> torch.nn.Module:
    """With the averages of its layers as they are on pictures, so that these make a difference."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    shots = np.stack([render(700 + k, 128).image for k in range(6)])
    with torch.no_grad():
        network.train()(torch.from_numpy(shots).permute(0, 3, 1, 2) / 255)
    return network.eval()


@pytest.fixture(scope="module")
def weights(data, tmp_path_factory):
    """A detector after one epoch, made sure of itself so that it finds something everywhere."""
    path = trained(data, tmp_path_factory.mktemp("first") / "run")
    checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    network = checkpoint["model"] = _settled(checkpoint["model"].float())
    head = network.model[-1]
    random = torch.Generator().manual_seed(0)
    for branch in head.cv3:
        last = branch[-1]
        noise = torch.randn(last.weight.shape, generator=random)
        last.weight.data = noise.to(last.weight.dtype) * 0.05
        last.bias.data[:] = -2.0
    for branch in head.cv2:
        branch[-1].bias.data.view(4, 16)[:, 1:3] += 5.0  # boxes of three strides
    sure = path.with_name("sure.pt")
    torch.save(checkpoint, sure)
    return sure


def predicted(weights, path, confidence):
    """ultralytics' own boxes, float [P, 6] of x1 y1 x2 y2 confidence class in px of the image."""
    from ultralytics import YOLO

    found = YOLO(weights).predict(str(path), imgsz=SIZE, conf=confidence, iou=0.7, verbose=False)
    return found[0].boxes.data[:, :6].cpu().numpy()


@pytest.fixture(scope="module")
def model(weights):
    return onnx_detector.OnnxDetector(training.to_onnx(weights, SIZE))


@pytest.fixture(scope="module")
def images(weights, tmp_path_factory):
    """Pictures of several shapes; their true boxes lie near what the detector finds there."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    found = []
    for k, (height, width) in enumerate([(128, 128)] * 3 + [(128, 80)]):
        path = folder / f"i{k}.png"
        imagefiles.write(path, render(900 + k, 128).image[:height, :width])
        seen = predicted(weights, path, 0.05)
        chosen = seen[random.permutation(len(seen))[:3]]
        assert len(chosen)
        corners = chosen[:, :4] + random.normal(0, 1.5, (len(chosen), 4))
        corners = np.clip(corners, 0, [width, height, width, height])
        boxes = tuple(
            Box(NAMES[int(c)], tuple(xyxy), source="hand")
            for xyxy, c in zip(corners.tolist(), chosen[:, 5], strict=True)
        )
        found.append(
            test_images.LabelledImage(f"i{k}", path, f"g{k}", boxes, "real", width, height)
        )
    good = folder / "good.png"
    imagefiles.write(good, render(990, 128, defects=(0, 0)).image)
    return [*found, test_images.LabelledImage("good", good, "good", (), "real intact", 128, 128)]


def test_the_figures_of_ultralytics_val_are_reproduced(weights, images, tmp_path):
    """Square pictures: on grey padding boxes are equally sure, and then any order is right."""
    from ultralytics import YOLO

    images = [image for image in images if image.width == image.height]
    judged = training.judge(weights, images, NAMES, SIZE, tmp_path / "ours")
    data = validation.lay_out(images, NAMES, tmp_path / "theirs")
    told = validation.arguments(data, SIZE, tmp_path / "theirs")
    theirs = YOLO(weights).val(**told).results_dict
    drawn = curves.over_confidence(judged)
    best = int(curves.smoothed(drawn.f1).argmax())
    assert judged.correct.any()
    assert len(np.unique(judged.confidence)) > 0.99 * len(judged.confidence)
    for name, value in (
        *(("precision", drawn.precision[best]), ("recall", drawn.recall[best])),
        *(("mAP50", judged.ap50()), ("mAP50-95", judged.ap())),
    ):
        assert value == pytest.approx(theirs[f"metrics/{name}(B)"], abs=1e-6)
    rows = evaluation.prediction_rows(images, judged)
    assert sum(row["correct"] for row in rows) == judged.correct.sum()


def test_a_training_gives_the_same_weights_wherever_its_folder_lies(data, weights, tmp_path):
    again = trained(data, tmp_path / "a much longer name" / "deeper" / "run")
    first = torch.load(weights.with_name("detector.pt"), weights_only=False)["model"]
    second = torch.load(again, weights_only=False)["model"]
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_onnx_file_finds_what_ultralytics_finds(weights, images, model):
    """Square pictures: ultralytics pads others less than the file's fixed square does."""
    assert tuple(model.names.values()) == NAMES
    for image in images[:2]:
        theirs = predicted(weights, image.path, 0.1)
        ours = model.find(imagefiles.read_rgb(image.path), 0.1).boxes
        assert len(theirs) > 3
        assert abs(len(ours) - len(theirs)) <= max(1, len(theirs) // 50)
        ious = matching.box_iou(theirs[:, :4], np.array([box.xyxy for box in ours]))
        near = [
            any(
                np.abs(np.array(ours[k].xyxy) - box[:4]).max() < 1
                and abs(ours[k].confidence - box[4]) < 0.01
                and ours[k].class_name == NAMES[int(box[5])]
                for k in np.flatnonzero(row > 0.8)
            )
            for box, row in zip(theirs, ious, strict=True)
        ]
        assert np.mean(near) > 0.97, "but for boxes on the edge of the confidence"


def test_boxes_of_a_tall_picture_come_back_in_its_own_pixels(images, model):
    tall = images[3]
    for box in model.find(imagefiles.read_rgb(tall.path), 0.1).boxes:
        assert 0 <= box.xyxy[0] <= box.xyxy[2] <= tall.width
        assert 0 <= box.xyxy[1] <= box.xyxy[3] <= tall.height


def test_a_file_that_is_no_detector_is_refused_in_words(tmp_path):
    (tmp_path / "detector.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match="Train it again"):
        onnx_detector.OnnxDetector(tmp_path / "detector.onnx")


@pytest.mark.parametrize("shape", [(96, 128), (300, 50), (31, 64)])
def test_a_picture_is_fitted_as_opencv_and_ultralytics_fit_it(shape):
    from ultralytics.data.augment import LetterBox

    pixels = np.random.default_rng(1).integers(0, 255, (*shape, 3), np.uint8)
    ours, scale, left, top = onnx_detector.letterboxed(pixels, SIZE)
    theirs = LetterBox((SIZE, SIZE), auto=False)(image=pixels)
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    assert scale == SIZE / max(shape)
    assert min(left, top) == 0


@pytest.mark.parametrize("model", MODELS)
def test_every_network_offered_is_known_to_ultralytics(model):
    from ultralytics.cfg import get_cfg
    from ultralytics.nn.tasks import yaml_model_load

    assert get_cfg() and yaml_model_load(f"{model}.yaml")["scale"] == model[-1]


def test_the_paper_preset_is_the_papers_recipe():
    spec = Spec(dataset_run="r", preset="paper", epochs=3, seed=4)
    recipe = spec.recipe()
    assert (recipe.model, recipe.size, recipe.batch, recipe.epochs) == ("yolov5s", 128, 8, 50)
    assert recipe.seed == 4


def test_a_start_from_random_weights_is_said_before_it_begins(tmp_path):
    words = Spec(dataset_run="r", model="yolov5s").estimate()
    assert "from scratch" in words and "yolov5s" in words
    found = tmp_path / "storage" / "weights" / "yolov5su.pt"
    found.parent.mkdir(parents=True)
    found.touch()
    assert "yolov5su.pt" in Spec(dataset_run="r", model="yolov5s").estimate()

"""Training, validation and the ONNX file against ultralytics' own."""

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.detection import curves, evaluation, onnx_detector, onnx_graph, yolo_set
from backend.detection.detector import epochs, training, validation
from backend.detection.detector.spec import MODELS, Recipe, Spec
from backend.detection.onnx_letterbox import GREY, LETTERBOX
from backend.images import imagefiles
from backend.images.labelled_image import LabelledImage
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
    items = [
        LabelledImage(shot.image, "rendered", shot.boxes, group=str(k))
        for k, shot in enumerate(shots)
    ]
    yolo_set.write(folder, items, ["train", "val"] * 5, names=NAMES)
    return folder


def trained(data: Path, out_dir: Path) -> Path:
    (out_dir / "artifacts").mkdir(parents=True)
    copied = training.data_file(data, out_dir)
    epochs.run(RECIPE, None, copied, out_dir / "training", quiet)
    return out_dir / "training" / "weights" / "best.pt"


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


def predicted(weights, path, confidence, **more):
    """ultralytics' own boxes, float [P, 6] of x1 y1 x2 y2 confidence class in px of the image."""
    from ultralytics import YOLO

    asked = {"imgsz": SIZE, "conf": confidence, "iou": 0.7, "verbose": False} | more
    found = YOLO(weights).predict(str(path), **asked)
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
        found.append(LabelledImage(path, "real", boxes, name=f"i{k}", group=f"g{k}"))
    good = folder / "good.png"
    imagefiles.write(good, render(990, 128, defects=(0, 0)).image)
    return [*found, LabelledImage(good, "real intact", name="good", group="good")]


def test_the_figures_of_ultralytics_val_are_reproduced(weights, images, tmp_path):
    """Square pictures: on grey padding boxes are equally sure, and then any order is right."""
    from ultralytics import YOLO

    images = [image for image in images if image.size[0] == image.size[1]]
    judged = training.judge(weights, images, NAMES, SIZE, tmp_path / "ours")
    data = yolo_set.lay_out(images, NAMES, tmp_path / "theirs")
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
    first = torch.load(weights.with_name("best.pt"), weights_only=False)["model"]
    second = torch.load(again, weights_only=False)["model"]
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_onnx_file_finds_what_ultralytics_finds(weights, images, model):
    """In the file's own square, whatever the picture's shape; each box to the thousandth."""
    assert model.names == NAMES and model.size == SIZE
    for image in images[1:4]:
        theirs = predicted(weights, image.path, 0.1, rect=False)
        ours = model.find(imagefiles.read_rgb(image.path), 0.1).boxes
        assert len(theirs) > 3
        assert [NAMES[int(box[5])] for box in theirs] == [box.class_name for box in ours]
        np.testing.assert_allclose([box.confidence for box in ours], theirs[:, 4], atol=1e-4)
        np.testing.assert_allclose([box.xyxy for box in ours], theirs[:, :4], atol=1e-2)


def test_several_pictures_at_once_are_as_each_alone(images, model):
    pixels = np.stack([imagefiles.read_rgb(image.path) for image in images[:3]])
    together = model.session.run(None, {"images": pixels})
    for place, one in enumerate(pixels):
        alone = model.session.run(None, {"images": one[None]})
        for rows, row in zip(together, alone, strict=True):
            np.testing.assert_allclose(rows[place], row[0], atol=1e-4)


def test_a_file_of_an_earlier_version_is_made_whole_when_it_is_opened(weights, model, tmp_path):
    """It was the network alone, for one picture."""
    from ultralytics import YOLO

    copy = tmp_path / "old.pt"
    copy.write_bytes(weights.read_bytes())
    old = YOLO(copy).export(format="onnx", imgsz=SIZE, simplify=False, verbose=False)
    opened = onnx_detector.OnnxDetector(Path(old))
    assert (opened.names, opened.size) == (model.names, model.size)
    pixels = render(901, 200).image
    ours, new = (one.find(pixels, 0.1).boxes for one in (opened, model))
    assert len(ours) == len(new) > 0
    np.testing.assert_allclose([b.xyxy for b in ours], [b.xyxy for b in new], atol=1e-2)


def test_a_network_that_suppresses_by_itself_keeps_its_boxes(tmp_path):
    """YOLO26 gives corners, confidence and class."""
    from ultralytics import YOLO

    torch.manual_seed(0)
    weights = tmp_path / "best.pt"
    YOLO("yolo26n.yaml").save(weights)
    model = onnx_detector.OnnxDetector(training.to_onnx(weights, SIZE))
    corners, confidence, kind = model.session.run(None, {"images": render(3, 160).image[None]})
    assert corners.shape == (1, len(confidence[0]), 4) and kind.dtype == np.int64
    assert (np.diff(confidence[0]) <= 1e-6).all()


def test_boxes_of_a_tall_picture_come_back_in_its_own_pixels(images, model):
    tall = images[3]
    width, height = tall.size
    for box in model.find(imagefiles.read_rgb(tall.path), 0.1).boxes:
        assert 0 <= box.xyxy[0] <= box.xyxy[2] <= width
        assert 0 <= box.xyxy[1] <= box.xyxy[3] <= height


def test_a_file_that_is_no_detector_is_refused_in_words(tmp_path):
    (tmp_path / "detector.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match="Train it again"):
        onnx_detector.OnnxDetector(tmp_path / "detector.onnx")


@pytest.mark.parametrize("shape", [(96, 128), (300, 50), (31, 64), (200, 333), (64, 64)])
def test_a_picture_is_fitted_as_opencv_and_ultralytics_fit_it(shape):
    import onnxruntime
    from ultralytics.data.augment import LetterBox

    pixels = np.random.default_rng(1).integers(0, 255, (*shape, 3), np.uint8)
    text = LETTERBOX.format(size=SIZE, grey=GREY)
    session = onnxruntime.InferenceSession(onnx_graph.part(text, "").SerializeToString())
    fitted, scale, corner, sides = session.run(None, {"images": pixels[None]})
    ours = np.rint(fitted[0].transpose(1, 2, 0) * 255).astype(int)
    away = np.abs(ours - LetterBox((SIZE, SIZE), auto=False)(image=pixels))
    assert away.max() <= 1 and (away > 0).mean() < 1e-3, "but for a rounding here and there"
    assert scale == np.float32(SIZE / max(shape)) and tuple(sides) == shape
    assert corner.min() == 0


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
    assert "Starts from random weights." in words
    found = tmp_path / "storage" / "weights" / "yolov5su.pt"
    found.parent.mkdir(parents=True)
    found.touch()
    assert "yolov5su.pt" in Spec(dataset_run="r", model="yolov5s").estimate()

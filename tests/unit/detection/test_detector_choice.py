"""A detector on a data set with real and synthetic images: which it learns from, and when."""

from pathlib import Path

import numpy as np
import pytest

from backend.core import facts, runs, specs
from backend.detection import mixed_training, standing, yolo_set
from backend.detection.detector import job, kinds, training
from backend.detection.detector.spec import BEST, Result, Spec
from backend.detection.detector.validation import Found
from backend.detection.mixing import AS_THEY_COME, FIRST, LEFT_OUT, MIXED
from backend.detection.standing import HELD
from backend.images.labelled_image import LabelledImage
from backend.numeric.ultralytics_alone import alone
from backend.records import Box, Cancelled, RunState, UserError

SMALL = {"size": 64, "batch": 4, "epochs": 2, "start": "random"}
REAL, SYNTHETIC = 4, 8


def quiet(*args: object, **kwargs: object) -> None:
    pass


def picture(number: int, source: str, intact: bool) -> LabelledImage:
    """Real ones are dark, synthetic ones bright."""
    pixels = np.full((64, 64, 3), 40 if source.startswith("real") else 200, np.uint8)
    pixels[20:40, 20:40] = 120
    boxes = () if intact else (Box("crack", (20, 20, 40, 40)),)
    return LabelledImage(pixels, source, boxes, group=f"{source} {number}")


def data_set(folder: Path, sources: list[tuple[str, str, bool]]) -> str:
    """A finished data set run: source, split and whether intact of each image. Its id."""
    run = runs.create(folder, "dataset", {}, name="glass")
    items = [picture(k, source, intact) for k, (source, _, intact) in enumerate(sources)]
    images, boxes = yolo_set.write(run.folder, items, [split for _, split, _ in sources])
    facts.write(run.folder, "images", images)
    facts.write(run.folder, "boxes", boxes)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return run.id


MIXED_SET = [
    *[("real", "train", False)] * (REAL - 1),
    ("real intact", "train", True),
    *[("rendered", "train", False)] * SYNTHETIC,
    ("real", "val", False),
    ("real intact", "val", True),
    *[("rendered", "val", False)] * 2,
]


def spec_of(dataset: str, **values: object) -> Spec:
    return specs.from_json(Spec, {"dataset_run": dataset, **SMALL, **values})


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Real images in each batch of each epoch, filled while detectors train."""
    found: list[list[int]] = []

    class Watched(mixed_training.Order):
        def __iter__(self):
            places = list(super().__iter__())
            batches = range(0, len(places), self.batch)
            found.append([int(self.real[places[k : k + self.batch]].sum()) for k in batches])
            return iter(places)

    monkeypatch.setattr(mixed_training, "Order", Watched)
    return found


def trained(dataset: str, tmp_path: Path, **values: object) -> training.TrainedDetector:
    out_dir = tmp_path / "out"
    (out_dir / "artifacts").mkdir(parents=True, exist_ok=True)
    return training.train(spec_of(dataset, **values), None, tmp_path / dataset, out_dir, quiet)


def test_half_of_each_batch_is_real_and_the_real_ones_held_back_judge(tmp_path, drawn):
    made = trained(data_set(tmp_path, MIXED_SET), tmp_path)
    assert drawn == [[2, 2, 2]] * 2
    assert made.mixing and made.mixing.words == (
        "synthetic images mixed in, at least 50 % of each batch real"
    )
    held = (tmp_path / "out" / "checkpoint" / "data" / "held.txt").read_text().split()
    assert [Path(name).stem for name in held] == ["000012", "000013"]
    assert (len(made.own.truths), made.tried) == (4, ())


def test_a_training_that_was_stopped_goes_on_with_the_next_epoch(tmp_path, drawn):
    dataset = data_set(tmp_path, MIXED_SET)
    out_dir = tmp_path / "out"
    (out_dir / "artifacts").mkdir(parents=True)
    spec = spec_of(dataset, synthetic_images=FIRST, epochs=4)

    def stop(fraction: float, message: str = "", **more: object) -> None:
        if message.startswith("epoch 3"):
            raise Cancelled

    with pytest.raises(Cancelled):
        training.train(spec, None, tmp_path / dataset, out_dir, stop)
    before = len(drawn)
    made = training.train(spec, None, tmp_path / dataset, out_dir, quiet)
    assert drawn[:2] == [[0, 0, 0]] * 2
    assert drawn[2:before] == [[4, 4, 4]] * (before - 2)
    assert drawn[before:] and set(map(tuple, drawn[before:])) == {(4, 4, 4)}
    assert made.epochs == 4


def test_of_three_ways_the_best_on_real_images_held_back_is_kept(tmp_path, monkeypatch):
    worth = {"training-0": 0.2, "training-1": 0.2, "training-2": 0.1}
    judged = training.judge

    def judge(weights: Path, images: list[LabelledImage], *more: object) -> object:
        found = judged(weights, images, *more)
        value = worth.get(weights.parent.parent.name, 0.0)
        object.__setattr__(found, "ap50", lambda weight=None: value)
        return found

    monkeypatch.setattr(training, "judge", judge)
    made = trained(data_set(tmp_path, MIXED_SET), tmp_path, synthetic_images=BEST, epochs=1)
    assert [mixing.way for mixing, _ in made.tried] == [LEFT_OUT, MIXED, FIRST]
    assert made.mixing and made.mixing.way == LEFT_OUT
    assert {len(held.truths) for _, held in made.tried} == {2}
    folder = tmp_path / "out"
    first = folder / "checkpoint" / "training-0" / "weights" / "best.pt"
    assert (folder / "artifacts" / "detector.pt").read_bytes() == first.read_bytes()


def test_a_run_keeps_the_figures_of_all_that_it_chose_among(tmp_path):
    spec = spec_of(data_set(tmp_path, MIXED_SET), synthetic_images=BEST, epochs=1)
    run = runs.create(tmp_path, "detector", specs.to_json(spec))
    for name in ("artifacts", "facts"):
        (run.folder / name).mkdir(exist_ok=True)
    steps = []
    result = job.run(spec, run.folder, lambda *a, step=None, **k: steps.append(step))
    rows = facts.read(run.folder, "figures")
    rows = rows[rows["metric"] == HELD]
    assert list(rows["subject"]) == [mixing.words for mixing in spec.mixings()]
    assert set(rows["n"]) == {2}
    assert result.mixing == rows["subject"].iloc[int(np.argmax(rows["value"]))]
    assert [step for step in steps if step] == [1, 2, 3]


def boxes_at(sure: float, alarm: float) -> object:
    """In place of a training's own finds: each defect at `sure`, a box on each intact image."""

    def validate(weights: Path, images: list[LabelledImage], *_: object) -> list[Found]:
        found = []
        for one in images:
            rows = [[*box.xyxy, sure, 0] for box in one.boxes] or [[1, 1, 9, 9, alarm, 0]]
            right = np.full((len(rows), 10), bool(one.boxes))
            found.append(Found(np.array(rows, float), right))
        return found

    return validate


def judged_run(tmp_path: Path, sources: list[tuple[str, str, bool]], views: int = 1) -> Result:
    """A whole detector run; `views` images in a row show one specimen."""
    dataset = data_set(tmp_path, sources)
    rows = facts.read(tmp_path / dataset, "images")
    groups = [f"part {k // views}" for k in range(len(rows))]
    facts.write(tmp_path / dataset, "images", rows.assign(group=groups).to_dict("records"))
    spec = spec_of(dataset, epochs=1, alarm_rate=0.3)
    run = runs.create(tmp_path, "detector", specs.to_json(spec))
    for name in ("artifacts", "facts"):
        (run.folder / name).mkdir(exist_ok=True)
    return job.run(spec, run.folder, quiet)


def test_the_alarm_rate_and_what_it_cost_stand_in_the_result(tmp_path, monkeypatch):
    monkeypatch.setattr(training.validation, "validate", boxes_at(sure=0.9, alarm=0.4))
    result = judged_run(tmp_path, MIXED_SET)
    assert (result.alarm_rate, result.held_intact, result.held_alarmed) == (0.3, 1, 0)
    assert (result.held_recall, result.held_recall_free, result.held_defects) == (1, 1, 1)
    assert result.held_real and result.confidence == 0.9
    assert "takes 3 good parts held back to promise: 0 of 1 good part" in standing.alarms(result)


def test_a_detector_counts_good_parts_not_their_views(tmp_path, monkeypatch):
    monkeypatch.setattr(training.validation, "validate", boxes_at(sure=0.3, alarm=0.9))
    held = [("rendered", "val", False)] * 2 + [("rendered", "val", True)] * 8
    result = judged_run(tmp_path, [("rendered", "train", False)] * 4 + held, views=2)
    assert (result.held_intact, result.held_alarmed, result.held_real) == (4, 4, False)
    assert standing.alarms(result).startswith("At no confidence does it find a defect")


def test_a_set_without_real_images_is_trained_on_as_before(tmp_path, drawn):
    sources = [s for s in MIXED_SET if s[0] == "rendered"]
    made = trained(data_set(tmp_path, sources), tmp_path, epochs=1)
    assert (drawn, made.mixing, made.tried) == ([], None, ())


@pytest.mark.parametrize(
    ("wanted", "left_out", "words"),
    [
        (BEST, ("real", "val"), "a real validation image with a box"),
        (FIRST, ("real", "train"), "both real and synthetic training images"),
        (LEFT_OUT, ("rendered", "train"), "both real and synthetic training images"),
    ],
)
def test_a_set_that_lacks_what_a_way_needs_is_refused(tmp_path, wanted, left_out, words):
    dataset = data_set(tmp_path, [s for s in MIXED_SET if s[:2] != left_out])
    with pytest.raises(UserError, match=f"Synthetic images = {wanted} needs {words}.*'glass'"):
        job.check_inputs(spec_of(dataset, synthetic_images=wanted), tmp_path)
    job.check_inputs(spec_of(dataset), tmp_path)


def test_the_paper_preset_takes_all_images_as_they_come():
    assert Spec(preset="paper", synthetic_images=BEST).mixings() == (AS_THEY_COME,)


def test_pictures_are_joined_with_their_own_kind_alone(tmp_path):
    """Every pixel of a mosaic comes from real images, or every one from synthetic ones."""
    alone()
    dataset = data_set(tmp_path, MIXED_SET)
    data = training.data_file(tmp_path / dataset, tmp_path / "out")
    kind = mixed_training.MixedTrainer
    settings = {"data": str(data), "imgsz": 64, "batch": 4, "mosaic": 1.0, "device": "cpu"}
    still = {"scale": 0.0, "translate": 0.0, "hsv_v": 0.0, "hsv_s": 0.0, "hsv_h": 0.0}
    place = {"project": str(tmp_path), "model": "yolov8n.yaml", "amp": False, "epochs": 2}
    trainer = kind(overrides={**settings, **still, **place})
    trainer.mixing, trainer.real = spec_of(dataset).mixings()[0], kinds.of(tmp_path / dataset).real
    trainer.model = trainer.get_model("yolov8n.yaml", verbose=False)
    loader = trainer.get_dataloader(str(tmp_path / "out/checkpoint/data/images/train"), 4)
    images = np.concatenate([batch["img"].numpy() for batch in loader])
    real, synthetic = (images < 60).any((1, 2, 3)), (images > 190).any((1, 2, 3))
    assert (real != synthetic).all()
    assert real.sum() == len(images) / 2

"""A whole study at its smallest: trained, judged, stopped and gone on with, and what it refuses."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backend.core import facts, runs, specs
from backend.detection.study import job as study
from backend.detection.study import pool, samples
from backend.detection.study.spec import Spec
from backend.images import imagefiles, imageset
from backend.images.labelled_image import LabelledImage, Origin
from backend.records import Box, Cancelled, Progress, RunState, UserError
from tests import tiny_photographs

SMALL = {"size": 64, "steps": 2, "batch": 4, "seeds": 1, "synthetic_count": 5, "amounts": (6,)}


def ignore(*_: object, **__: object) -> None:
    """No progress is watched."""


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return tiny_photographs.make(tmp_path_factory.mktemp("photographs"))


@pytest.fixture
def synthetic(tmp_path: Path) -> str:
    """A finished run of five flat images with a dark square each; its id."""

    def make(k: int) -> LabelledImage:
        pixels = np.full((64, 64, 3), 150 + k, np.uint8)
        pixels[20:40, 20:40] = 20
        return LabelledImage(pixels, "rendered", (Box("crack", (20, 20, 40, 40)),))

    run = runs.create(tmp_path / "runs", "generate", {"teacher": "renderer"})
    imageset.write(run.folder, 5, make, ignore)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return run.id


def run_study(spec: Spec, tmp_path: Path, progress: Progress = ignore) -> Path:
    """A study's folder, worked on to its end."""
    folder = runs.create(tmp_path / "runs", "study", specs.to_json(spec)).folder
    study.run(spec, folder, progress)
    return folder


def spec_of(photographs: tuple[Path, Path], synthetic: str, **values: object) -> Spec:
    real, intact = photographs
    given = {"real_folder": str(real), "intact_folder": str(intact), **SMALL, **values}
    return specs.from_json(Spec, {"synthetic_runs": (synthetic,), **given})


def test_a_study_keeps_every_training_and_says_what_each_ingredient_adds(
    photographs, synthetic, tmp_path
):
    arms = ("real+intact", "real+intact+synthetic", "real+intact+copy-paste", "synthetic")
    spec = spec_of(photographs, synthetic, arms=arms)
    out_dir = runs.create(tmp_path / "runs", "study", specs.to_json(spec)).folder
    result = study.run(spec, out_dir, ignore)
    trials = facts.read(out_dir, "trials").drop_duplicates("arm").set_index("arm")
    assert list(trials["real_images"]) == [6, 6, 6, 0]
    assert list(trials["synthetic_images"]) == [0, 5, 5, 5]
    assert trials.loc["real+intact", "intact_images"] == 2
    assert (result.trials, result.test_images, result.test_intact) == (4, 6, 2)
    contrasts = facts.read(out_dir, "contrasts")
    assert set(contrasts["arm"]) == {"real+intact+rendered", "real+intact+copy-paste"}
    assert result.verdict.startswith("These detectors learned nothing. No conclusion.")
    assert all(words.startswith("Cannot be told: ") for words in result.verdicts)
    assert len(result.verdicts) == 2
    assert result.test_defect_groups == 2
    assert set(facts.read(out_dir, "learning")["arm"]) == set(trials.index)
    kept = sorted((out_dir / "artifacts" / "predictions").iterdir())
    assert len(kept) == 4
    assert set(pd.read_parquet(kept[0])["image"]) <= {f"{k:06d}" for k in range(6)}


def test_a_stopped_study_goes_on_behind_the_trials_it_finished(
    photographs, synthetic, tmp_path, monkeypatch
):
    from backend.detection.study import training

    trained, fit = [], training.fit
    monkeypatch.setattr(training, "fit", lambda *a: trained.append(a[4]) or fit(*a))
    spec = spec_of(photographs, synthetic, arms=("real+intact", "real+intact+synthetic"))

    out_dir = runs.create(tmp_path / "runs", "study", specs.to_json(spec)).folder

    def stop_in_the_second(fraction: float, message: str = "", **more: object) -> None:
        if "rendered-6-s0: step" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        study.run(spec, out_dir, stop_in_the_second)
    assert len(trained) == 2
    result = study.run(spec, out_dir, ignore)
    assert len(trained) == 3
    assert result.trials == 2


def test_trainings_side_by_side_give_what_they_give_in_turn(photographs, synthetic, tmp_path):
    def tables(jobs: int) -> pd.DataFrame:
        arms = ("real+intact", "real+intact+synthetic")
        folder = run_study(spec_of(photographs, synthetic, arms=arms, jobs=jobs), tmp_path)
        rows = facts.read(folder, "trials")
        return rows[rows["metric"] != "seconds"]

    pd.testing.assert_frame_equal(tables(1), tables(2), rtol=1e-4)


def with_training_image(photographs: tuple[Path, Path], name: str, tmp_path: Path) -> Path:
    """A copy of the real folder that also trains on `images/<name>`."""
    real = Path(shutil.copytree(photographs[0], tmp_path / "real"))
    with (real / "train.txt").open("a") as file:
        file.write(f"images/{name}\n")
    return real


def test_another_view_of_a_test_specimen_in_training_stops_the_study(
    photographs, synthetic, tmp_path
):
    real = with_training_image(photographs, "p7.png", tmp_path)
    (real / "test.txt").write_text("images/p6.png\n")
    with pytest.raises(UserError, match=r"p7\.png shows specimen 'part 3'"):
        run_study(spec_of((real, photographs[1]), synthetic), tmp_path)


def test_a_test_image_in_training_under_another_name_stops_the_study(
    photographs, synthetic, tmp_path
):
    real = with_training_image(photographs, "copy.png", tmp_path)
    shutil.copy(real / "images" / "p7.png", real / "images" / "copy.png")
    with pytest.raises(UserError, match=r"copy\.png is test image"):
        run_study(spec_of((real, photographs[1]), synthetic), tmp_path)


def test_a_test_image_behind_a_synthetic_one_stops_the_study(photographs, tmp_path):
    taken = imagefiles.read_rgb(photographs[0] / "images" / "p8.png")
    run = runs.create(tmp_path / "runs", "composite", {})
    made = LabelledImage(
        taken // 2, "photograph", (Box("crack", (1, 1, 9, 9)),), origin=Origin(original=taken)
    )
    imageset.write(run.folder, 1, lambda _: made, ignore)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    with pytest.raises(UserError, match="is test image"):
        run_study(spec_of(photographs, run.id), tmp_path)


def composites_on(intact: Path, tmp_path: Path) -> str:
    """A run of ten composites on the good training parts of a folder, which were imported under
    other names; its id."""
    files = sorted(intact.glob("*.png"))[1::2]

    def good(k: int) -> LabelledImage:
        origin = Origin(params={"file": f"elsewhere/{k}"})
        return LabelledImage(imagefiles.read_rgb(files[k]), "imported", origin=origin)

    def composite(k: int) -> LabelledImage:
        name = f"{k % len(files):06d}"
        pixels = np.full((64, 64, 3), 90 + k, np.uint8)
        box = Box("crack", (20, 20, 40, 40))
        told = Origin(params={"photograph": name}, original=pixels)
        return LabelledImage(pixels, "composite", (box,), group=name, origin=told)

    goods = runs.create(tmp_path / "runs", "generate", {"teacher": "folder"})
    imageset.write(goods.folder, len(files), good, ignore)
    runs.finish(goods.folder, RunState.COMPLETED, result={})
    made = runs.create(tmp_path / "runs", "composite", {"goods_run": goods.id})
    imageset.write(made.folder, 10, composite, ignore)
    runs.finish(made.folder, RunState.COMPLETED, result={})
    return made.id


def test_composites_are_of_the_specimen_below_them(photographs, tmp_path):
    spec = spec_of(photographs, composites_on(photographs[1], tmp_path))
    folder = runs.create(tmp_path / "runs", "study", specs.to_json(spec)).folder
    found = pool.gather(spec, folder, ignore, 1.0)
    label = next(reversed(found.training))
    goods = [image.group for image in found.training["intact"]]
    assert goods == ["good 1", "good 3"]
    wanted = [goods[k % 2] for k in range(len(found.training[label]))]
    assert [image.group for image in found.training[label]] == wanted
    assert pool._stored(pool._as_json(found)).joined
    older = {key: value for key, value in pool._as_json(found).items() if key != "joined"}
    assert not pool._stored(older).joined, "a study begun before draws as it did"


def test_the_record_of_a_stopped_study_is_read_as_an_older_version_wrote_it():
    older = {
        **{"path": "/pool/real/images/000003.png", "width": 64, "height": 48, "source": "real"},
        **{"boxes": [[1, 2, 3.5, 4]], "group": "part 1", "original": "/photographs/a.png"},
    }
    image = samples.from_json(older)
    assert (image.name, image.source, image.group) == ("000003", "real", "part 1")
    assert image.boxes == (Box("defect", (1, 2, 3.5, 4)),)
    assert image.origin.full == Path("/photographs/a.png")
    assert samples.from_json(samples.as_json(image)) == image


def test_synthetic_runs_are_told_apart_by_name_or_how_they_were_made(tmp_path):
    made = [
        runs.create(tmp_path / "runs", kind, spec, name=name)
        for kind, spec, name in (
            ("distill", {}, ""),
            ("generate", {"teacher": "renderer"}, "Real"),
            ("composite", {"teacher": "renderer"}, "a+b"),
            ("composite", {"teacher": "student"}, "A-b"),
        )
    ]
    for run in made:
        runs.finish(run.folder, RunState.COMPLETED, result={})
    spec = Spec(synthetic_runs=tuple(run.id for run in made))
    assert list(pool.labels(spec, tmp_path / "runs" / "x")) == ["student", "Real 2", "a b", "A-b 2"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"synthetic_runs": ()}, "Synthetic images"),
        ({"intact_folder": ""}, "Intact folder"),
        ({"amounts": (0,), "arms": ("real", "real+intact")}, "Amounts"),
        ({"arms": ()}, "Variants"),
        ({"size": 100}, "multiple of 32"),
    ],
)
def test_settings_that_do_not_go_together_are_named(photographs, values, words):
    with pytest.raises(UserError, match=words):
        spec_of(photographs, "20260101T000000-generate-abcdef", **values)


def test_the_shares_of_an_arm_reach_its_training(photographs, synthetic, tmp_path, monkeypatch):
    from backend.detection import mixed_training

    drawn: list[list[int]] = []

    class Watched(mixed_training.Order):
        def _next(self) -> list[int]:
            places = super()._next()
            counts = [sum(self.real[places[k : k + 4]]) for k in range(0, len(places), 4)]
            drawn.append([int(count) for count in counts])
            return places

    monkeypatch.setattr(mixed_training, "Order", Watched)
    arms = ("real+intact+synthetic, half real", "real+intact+synthetic, synthetic first")
    folder = run_study(spec_of(photographs, synthetic, arms=arms, steps=4), tmp_path)
    assert drawn == [[2]] * 4 + [[0], [0], [4], [4]]
    assert set(facts.read(folder, "trials")["arm"]) == {
        "real+intact+rendered, half real",
        "real+intact+rendered, synthetic first",
    }


def test_the_estimate_counts_the_trainings(photographs):
    spec = spec_of(photographs, "20260101T000000-generate-abcdef", amounts=(0, 5, 10), seeds=3)
    each_seed = 2 + 2 + 1 + 3 + 2 + 2 + 2
    assert spec.estimate().startswith(f"{3 * each_seed} trainings")


def test_every_arm_takes_the_same_number_of_steps():
    from backend.detection.study import training

    for wanted in (1, 7, 90, 96):
        epochs, steps = training.rounds(wanted)
        assert wanted <= epochs * steps < wanted + training.EPOCHS

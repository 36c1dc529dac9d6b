"""The best way to score each type: chosen without the parts that are judged, exported as scored."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.core import facts, runs, specs
from backend.deployment.package import job as package
from backend.deployment.package.spec import Spec as PackageSpec
from backend.inspection.model import (
    additions,
    best_per_type,
    cross_validation,
    diffusion_scorer,
    folds,
    inspector,
    variants,
)
from backend.inspection.model.diffusion_net import Settings
from backend.inspection.model.folds import Fold, Scored
from backend.inspection.model.fused_scorer import Fused
from backend.inspection.model.spec import Spec
from backend.inspection.parts.crops import read_crops, read_parts
from backend.records import Label, RunState, UserError
from tests.unit.inspection.test_model import inspect, make_parts, quiet

COCO, WAVELETS = variants.alone("coco"), variants.alone("scattering")
ROWS = (variants.DIFFUSION, variants.UNTRAINED, COCO, WAVELETS)


def made(counts):
    """Parts without pictures: feature → (GOOD, BAD), every part a group of its own."""
    rows = [
        (f"{feature}-{i}", feature, int(Label.GOOD if i < good else Label.BAD), f"{feature}-{i}")
        for feature, (good, bad) in counts.items()
        for i in range(good + bad)
    ]
    frame = pd.DataFrame(rows, columns=["part", "feature", "label", "group"])
    return folds.described(frame)


def seen(data, fold, best):
    """Scores of a fold in which each type's `best` row tells BAD from GOOD and no other does."""
    random = np.random.default_rng(int(fold.test.sum()))
    scores, maps = {}, {}
    for place, row in enumerate(ROWS):
        noise = random.normal(size=len(fold.test)).astype(np.float32)
        tells = np.array([best[data.names[t]] == row for t in data.types[fold.test]])
        scores[row] = noise + 9 * (tells & ~data.good[fold.test])
        maps[row] = np.full((len(fold.test), 2, 2), place, np.float32)
    limits = {row: float(place) for place, row in enumerate(ROWS)}
    return Scored(fold, scores, maps, limits, np.zeros((len(fold.test), 2), np.float32))


@pytest.fixture
def data():
    return made({"dots": (40, 20), "edge": (40, 20), "few": (40, 8)})


@pytest.fixture
def faked(monkeypatch):
    """Scoring that takes no time; the folds it was asked about."""
    asked: list[Fold] = []

    def score(spec, data, fold, sets, beside, tick):
        asked.append(fold)
        return seen(data, fold, {"dots": COCO, "edge": variants.UNTRAINED, "few": WAVELETS})

    monkeypatch.setattr(cross_validation, "_score_fold", score)
    return asked


def test_each_type_takes_its_best_row_and_a_type_with_few_bad_parts_none(data, faked):
    spec = Spec(parts_run="any", folds=3)
    outer = list(cross_validation.score_folds(spec, data, folds.planned(spec, data), {}, quiet))
    names = {data.names.index(n): row for n, row in (("dots", COCO), ("edge", "untrained"))}
    assert best_per_type.chosen(spec, data, outer) == names
    with_bad = replace(spec, mode="uses-bad")
    assert best_per_type.chosen(with_bad, data, outer).get(data.names.index("edge")) != "untrained"


def test_what_judges_a_round_lies_inside_its_training_parts(data, faked, tmp_path):
    spec = Spec(parts_run="any", folds=3)
    outer = list(cross_validation.score_folds(spec, data, folds.planned(spec, data), {}, quiet))
    faked.clear()
    [first, *_] = best_per_type.scored(spec, data, outer[:1], {}, quiet, tmp_path / "units")
    for fold in faked:
        assert set(fold.train) | set(fold.test) <= set(first.fold.train)
        assert not set(fold.train) & set(fold.test)
    types, test = data.types, first.fold.test
    for name, row in (("dots", COCO), ("edge", "untrained"), ("few", "diffusion")):
        mine = types[test] == data.names.index(name)
        assert (first.scores["diffusion"][mine] == outer[0].scores[row][mine]).all()
        assert (first.maps["diffusion"][mine] == ROWS.index(row)).all()
        assert (first.limits["diffusion"][mine] == ROWS.index(row)).all()
    assert (first.scores[variants.ONE_FOR_ALL] == outer[0].scores["diffusion"]).all()
    assert first.under is None, "the model that is exported scores no part as the diffusion alone"


def test_labels_of_the_parts_that_are_judged_have_no_say(data, faked, tmp_path):
    spec = Spec(parts_run="any", folds=3)
    outer = list(cross_validation.score_folds(spec, data, folds.planned(spec, data), {}, quiet))
    [before] = best_per_type.scored(spec, data, outer[:1], {}, quiet, tmp_path / "before")
    good = data.good.copy()
    good[before.fold.test] = ~good[before.fold.test]
    turned = replace(data, good=good)
    [after] = best_per_type.scored(spec, turned, outer[:1], {}, quiet, tmp_path / "after")
    assert (before.scores["diffusion"] == after.scores["diffusion"]).all()


def test_it_goes_with_one_rule_and_enough_parts():
    with pytest.raises(UserError, match="Best per type goes with the rule 'own class'"):
        specs.validate(Spec(parts_run="any", best_per_type=True, rule="unlikely under all classes"))


def fitted(steps, seed=0):
    """A scorer of two types on random maps, its denoiser made to have learned something."""
    random = np.random.default_rng(seed)
    maps = random.normal(size=(40, 6, 3, 3)).astype(np.float32)
    types = np.arange(40) % 2
    settings = Settings(dims=4, steps=steps, timesteps=2)
    scorer, crossed = diffusion_scorer.fit(maps, types, np.arange(40) % 5 == 0, 2, settings)
    if steps:
        torch.nn.init.normal_(scorer.denoiser.leave.weight, std=0.1)
        prepared = diffusion_scorer.prepare(crossed, settings)
        diffusion_scorer.calibrate(scorer, prepared.unseen, crossed.types, crossed.held_out)
    return scorer


def test_a_type_is_scored_as_by_the_untrained_start_and_the_others_as_before():
    trained, start = fitted(1).requires_grad_(False), fitted(0).requires_grad_(False)
    mixed = copy.deepcopy(trained)
    diffusion_scorer.as_untrained(mixed, start, [1])
    x = torch.randn(8, 6, 3, 3)
    for t, like in ((0, trained), (1, start)):
        types = torch.full((8,), t)
        for a, b in zip(mixed.under(x, types), like.under(x, types), strict=True):
            torch.testing.assert_close(a, b)
    differs = trained.under(x, types)[0] - start.under(x, types)[0]
    assert differs.abs().max() > 0


def test_a_type_is_scored_by_one_feature_set_alone():
    first, second = fitted(1), fitted(1, seed=1)
    whole = Fused([first, second]).requires_grad_(False)
    whole.get_buffer("share")[:, 1] = torch.tensor([0.0, 1.0])
    x, types = [torch.randn(8, 6, 3, 3), torch.randn(8, 6, 3, 3)], torch.arange(8) % 2
    scores, maps = whole.under(x, types)
    alone, alone_maps = second.under(x[1], types)
    torch.testing.assert_close(scores[1::2], alone[1::2])
    torch.testing.assert_close(maps[1::2], alone_maps[1::2])
    mean = (first.under(x[0], types)[0] + alone) / 2
    torch.testing.assert_close(scores[::2], mean[::2])


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A run on two feature sets in which the types take different ways."""
    from ultralytics.nn.tasks import DetectionModel

    root = tmp_path_factory.mktemp("runs")
    torch.manual_seed(1)
    model = DetectionModel("yolov8n.yaml", verbose=False)
    torch.save({"model": model.half(), "ema": None}, root / "w.pt")
    parts_run = make_parts(root, {"dist1": (24, 16), "edge1": (24, 16)})
    more = {"weights": "auto", "weights_file": str(root / "w.pt"), "zoom": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best_per_type, "chosen", lambda *_: {0: variants.UNTRAINED, 1: WAVELETS})
        result, folder = inspect(
            root, parts_run, methods=("padim",), folds=2, best_per_type=True, **more
        )
    runs.finish(folder, RunState.COMPLETED, result={})
    return root, parts_run, result, folder


def test_rows_figures_and_notes_tell_of_the_choice(both):
    *_, result, folder = both
    table = facts.read(folder, "scores")
    scores = table.pivot(index="part", columns="method", values="score")
    edge = scores.index.str.startswith("edge1")
    pd.testing.assert_series_equal(
        scores["diffusion"][edge], scores[WAVELETS][edge], check_names=False
    )
    pd.testing.assert_series_equal(
        scores["diffusion"][~edge], scores["untrained"][~edge], check_names=False
    )
    means = additions.of_means(facts.read(folder, "additions")).set_index("part")
    assert means.loc["the best of each type", "without"] == variants.ONE_FOR_ALL
    assert means.loc["training", "method"] == variants.ONE_FOR_ALL
    told = " ".join(result.notes)
    assert "dist1: without training" in told and "edge1: scattering alone" in told


def test_the_package_scores_each_type_its_way(both):
    root, parts_run, _, folder = both
    made = runs.create(root, "package", {"model_run": folder.name}).folder
    done = package.run(PackageSpec(model_run=folder.name, tolerance=0.01), made, quiet)
    assert done.map_difference is not None
    assert max(done.difference, done.map_difference) < 1e-2
    model, about = inspector.load(folder / "artifacts" / "model")
    assert model.model.get_buffer("share").T.tolist() == [[0.5, 0.5], [0.0, 1.0]]
    assert model.model.first.denoiser.get_buffer("learned").tolist() == [0, 1]
    frame = read_parts(root / parts_run).iloc[-6:]
    crops = torch.from_numpy(read_crops(frame, root / parts_run, about["size"]))
    types = torch.ones(6, dtype=torch.int64)
    with torch.inference_mode():
        torch.testing.assert_close(model(crops, types)[0], model.alone(1)(crops, types)[0])


def test_models_of_earlier_versions_have_one_way_for_all(both, tmp_path):
    """Their files name neither shares nor types that learned."""
    kept = both[3] / "artifacts" / "model"
    state = load_file(kept / "model.safetensors")
    old = {n: v for n, v in state.items() if not n.endswith(("share", "learned"))}
    assert len(old) == len(state) - 3
    save_file(old, tmp_path / "model.safetensors")
    (tmp_path / "model.json").write_text((kept / "model.json").read_text())
    model, _ = inspector.load(tmp_path)
    assert (model.model.get_buffer("share") == 0.5).all()
    assert (model.model.first.denoiser.get_buffer("learned") == 1).all()

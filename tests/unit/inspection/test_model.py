"""Cross-validation: no leak, the same scores again, figures that agree with scikit-learn."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score

from backend.core import facts, runs, specs
from backend.inspection.model import folds, inspector
from backend.inspection.model import job as crossval
from backend.inspection.model.spec import Spec
from backend.records import RunState, UserError

SMALL = {
    "weights": "scattering",
    "size": 64,
    "dims": 12,
    "steps": 10,
    "timesteps": 2,
    "folds": 3,
}


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


def make_parts(root, counts, seed=0, spoil=False):
    """A finished parts run of stripes [64 px]; BAD ones have a blob. Pairs share a group."""
    rng = np.random.default_rng(seed)
    run = runs.create(root, "parts", {})
    (run.folder / "artifacts").mkdir()
    rows = []
    for feature, (n_good, n_bad) in counts.items():
        for i in range(n_good + n_bad):
            label = int(i < n_good)
            image = rng.normal(120, 6, (64, 64))
            image[:, :: 8 if feature == "dist1" else 16] += 60
            if not label:
                y, x = rng.integers(8, 40, 2)
                image[y : y + 14, x : x + 14] = rng.integers(0, 255) if spoil else 40
            name = f"{feature}-{i:03d}"
            grey = image.clip(0, 255).astype(np.uint8)
            Image.fromarray(grey).save(run.folder / "artifacts" / f"{name}.png")
            path = f"artifacts/{name}.png"
            rows.append((name, path, feature, label, f"{feature}-{i // 2}", "" if label else "x"))
    columns = ["part", "path", "feature", "label", "group", "defect"]
    facts.write(run.folder, "parts", pd.DataFrame(rows, columns=columns))
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return run.id


def inspect(root, parts_run, **more):
    spec = Spec(parts_run=parts_run, **(SMALL | more))
    run = runs.create(root, "inspect", specs.to_json(spec))
    (run.folder / "artifacts").mkdir()
    return crossval.run(spec, run.folder, quiet), run.folder


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    parts_run = make_parts(root, {"dist1": (24, 12), "edge1": (24, 3)})
    return (root, parts_run, *inspect(root, parts_run))


def test_every_part_is_scored_once_by_every_method(done):
    _, _, result, folder = done
    table = facts.read(folder, "scores")
    assert len(table) == (2 + len(Spec().methods)) * result.n
    assert result.n == 63
    assert not table.duplicated(["method", "part"]).any()
    assert set(table["method"]) == {"diffusion", "untrained", *Spec().methods}
    assert np.isfinite(table["score"]).all()


def test_aurocs_are_scikit_learns(done):
    _, _, result, folder = done
    table, aurocs = facts.read(folder, "scores"), facts.read(folder, "auroc")
    for row in aurocs.itertuples():
        mine = table[(table["method"] == row.method) & (table["feature"] == row.feature)]
        assert row.auroc == pytest.approx(roc_auc_score(mine["label"] == 0, mine["score"]))
        assert row.low <= row.auroc <= row.high
    assert result.mean_auroc["padim"] > 0.95  # a blob is easy to see
    assert result.mean_auroc["diffusion"] > 0.95


def test_few_bad_parts_stay_out_of_the_mean_and_the_test(done):
    _, _, result, folder = done
    assert result.unreliable == ("edge1",) and result.averaged == ("dist1",)
    assert any("edge1" in note for note in result.notes)
    comparisons = facts.read(folder, "comparisons")
    assert set(comparisons["baseline"]) == {result.baseline}
    comparisons = comparisons[comparisons["method"] == "diffusion"].set_index("feature")
    assert comparisons.loc["dist1", "reliable"] and not comparisons.loc["edge1", "reliable"]
    assert np.isnan(comparisons.loc["edge1", "p_holm"])
    figures = facts.read(folder, "figures").set_index("subject")
    difference = figures.loc[f"diffusion − {result.baseline}"]
    gap = result.mean_auroc["diffusion"] - result.mean_auroc[result.baseline]
    assert difference["value"] == pytest.approx(gap, abs=2e-4)


def test_result_is_json_and_pictures_exist(done):
    *_, result, folder = done
    json.dumps(specs.to_json(result), allow_nan=False)
    shown = runs.read_json(folder / "artifacts" / "maps.json")["maps"]
    assert {row["kind"] for row in shown} == {"found", "missed", "alarm"}
    assert all((folder / row["path"]).exists() for row in shown)
    kept = np.load(folder / "artifacts" / "maps.npz")
    assert kept["map"].shape == (63, 4, 4)
    assert not list(folder.rglob("*.pkl")) + list(folder.rglob("*.pt"))


def test_the_anomaly_map_points_at_the_defect(done):
    root, parts_run, _, folder = done
    kept = np.load(folder / "artifacts" / "maps.npz")
    bad = next(i for i, name in enumerate(kept["part"]) if name == "dist1-030")
    picture = np.asarray(Image.open(root / parts_run / "artifacts" / "dist1-030.png"))
    dark = np.argwhere(picture == 40).mean(0) / 16
    hottest = np.array(np.unravel_index(kept["map"][bad].argmax(), (4, 4))) + 0.5
    assert abs(hottest - dark).max() < 1.5


def test_folds_side_by_side_give_the_same_scores_again(done):
    root, parts_run, _, folder = done
    wanted = facts.read(folder, "scores")
    again = facts.read(inspect(root, parts_run, jobs=2)[1], "scores")
    pd.testing.assert_frame_equal(
        wanted.drop(columns="alarm"), again.drop(columns="alarm"), atol=1e-3, rtol=1e-3
    )


def test_bad_parts_take_no_part_in_any_fit(tmp_path):
    scores = []
    for spoil in (False, True):
        parts_run = make_parts(tmp_path, {"dist1": (24, 12)}, spoil=False)
        if spoil:
            for path in sorted((tmp_path / parts_run / "artifacts").glob("*.png"))[24:]:
                Image.new("L", (64, 64), 7).save(path)
        table = facts.read(inspect(tmp_path, parts_run, folds=2)[1], "scores")
        scores.append(table[table["label"] == 1]["score"].to_numpy())
    np.testing.assert_array_equal(*scores)


def data(counts, crops_per_group=2):
    frame = pd.DataFrame(
        [
            (f"{f}-{i}", f, int(i < good), f"{f}-{i // crops_per_group}")
            for f, (good, bad) in counts.items()
            for i in range(good + bad)
        ],
        columns=["part", "feature", "label", "group"],
    )
    names = tuple(sorted(counts))
    types = frame["feature"].map(names.index).to_numpy(np.int64)
    good = (frame["label"] == 1).to_numpy()
    return folds.Data(frame, names, types, good, np.zeros((len(frame), 1, 1, 3), np.uint8))


def test_groups_never_straddle_train_test_or_calibration():
    mine = data({"a": (40, 15), "b": (30, 5)}, crops_per_group=3)
    groups = mine.frame["group"].to_numpy()
    made = folds.make_folds(mine, 5, 2, seed=0)
    assert len(made) == 10
    for fold in made:
        assert not set(groups[fold.train]) & set(groups[fold.test])
        good = fold.train[mine.good[fold.train]]
        held = folds.calibration_split(mine, good, seed=0)
        assert not set(groups[good[held]]) & set(groups[good[~held]])
        assert 0.1 < held.mean() < 0.35
    for repeat in (0, 1):
        tested = np.concatenate([f.test for f in made if f.repeat == repeat])
        assert sorted(tested) == list(range(len(groups)))


def test_too_few_parts_are_refused_in_words():
    with pytest.raises(UserError, match=r"'b' has only \d GOOD parts"):
        folds.make_folds(data({"a": (40, 10), "b": (5, 5)}), 5, 1, 0)
    with pytest.raises(UserError, match="for 5 test rounds"):
        folds.make_folds(data({"a": (40, 10)}, crops_per_group=25), 5, 1, 0)


def test_without_bad_parts_there_is_a_model_but_no_auroc(tmp_path):
    result, folder = inspect(tmp_path, make_parts(tmp_path, {"dist1": (24, 0)}), folds=2)
    assert result.mean_auroc == dict.fromkeys(["diffusion", "untrained", *Spec().methods])
    assert "No BAD part" in result.notes[0] and result.weakest == ""
    json.dumps(specs.to_json(result), allow_nan=False)
    assert inspector.load(folder / "artifacts" / "model")[1]["features"] == ["dist1"]


def test_a_self_supervised_backbone_is_made_in_each_fold(tmp_path):
    parts_run = make_parts(tmp_path, {"dist1": (24, 12)})
    more = {"weights": "self-supervised", "backbone_steps": 10, "folds": 2, "steps": 0}
    more["methods"] = ("padim",)
    result, folder = inspect(tmp_path, parts_run, **more)
    assert "each test round" in result.backbone
    model, _ = inspector.load(folder / "artifacts" / "model")
    assert model.model.first.get_buffer("weight").shape == (12, 192)


def test_a_missing_run_and_a_damaged_model_are_told(tmp_path, done):
    with pytest.raises(UserError, match="has no result"):
        inspect(tmp_path, "20260101T000000-parts-000001")
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(UserError, match="anomaly model again"):
        inspector.load(tmp_path)
    with pytest.raises(UserError, match="Parts run is missing"):
        specs.validate(replace(Spec(), folds=5))


def test_every_part_has_a_score_under_every_class(done):
    _, _, result, folder = done
    under = facts.read(folder, "class_scores")
    assert len(under) == result.n * 2 and set(under["class_name"]) == {"dist1", "edge1"}
    own = under[under["class_name"] == under["feature"]].set_index("part")["score"]
    scores = facts.read(folder, "scores")
    mine = scores[scores["method"] == "diffusion"].set_index("part")["score"]
    np.testing.assert_allclose(own.reindex(mine.index), mine, atol=1e-3)


def test_figures_stand_beside_their_controls(done):
    *_, folder = done
    rows = facts.read(folder, "auroc").set_index(["method", "feature"])
    assert set(rows["mode"]) == {"good-only"}
    assert rows["all_good_rate"].xs("dist1", level=1).unique() == pytest.approx([24 / 36])
    for metric in ("accuracy", "average_precision", "fpr_at_95_tpr"):
        assert (rows[f"{metric}_low"] <= rows[metric] + 1e-9).all()
        assert (rows[metric] <= rows[f"{metric}_high"] + 1e-9).all()
    table = facts.read(folder, "scores")
    mine = table[(table["method"] == "padim") & (table["feature"] == "dist1")]
    right = (mine["alarm"].astype(bool) == (mine["label"] == 0)).mean()
    assert rows.loc[("padim", "dist1"), "accuracy"] == pytest.approx(right)


def test_uses_bad_is_named_everywhere_and_learns_from_bad_parts(tmp_path):
    parts_run = make_parts(tmp_path, {"dist1": (24, 16)})
    more = {"mode": "uses-bad", "methods": ("padim",), "folds": 2, "steps": 60}
    result, folder = inspect(tmp_path, parts_run, **more)
    assert result.mode == "uses-bad"
    assert list(result.mean_auroc) == ["diffusion", "untrained", "padim", "supervised"]
    assert result.mean_auroc["supervised"] > 0.8 and result.mean_auroc["diffusion"] > 0.6
    for table in ("auroc", "comparisons"):
        assert set(facts.read(folder, table)["mode"]) == {"uses-bad"}
    model, about = inspector.load(folder / "artifacts" / "model")
    assert about["mode"] == "uses-bad" and model.model.first.settings.uses_bad


def test_uses_bad_without_bad_parts_is_refused(tmp_path):
    with pytest.raises(UserError, match="needs BAD parts in the training of every test round"):
        inspect(tmp_path, make_parts(tmp_path, {"dist1": (24, 0)}), mode="uses-bad")


def test_a_model_of_an_earlier_version_still_opens(tmp_path, done):
    from safetensors.numpy import load_file, save_file

    *_, folder = done
    state = load_file(folder / "artifacts" / "model" / "model.safetensors")
    head = runs.read_json(folder / "artifacts" / "model" / "model.json")
    state = {name.replace("model.scorers.0", "scorer"): value for name, value in state.items()}
    for name in ("scorer.bank", "scorer.spread"):
        del state[name]
    for name in ("scorer.level_mean", "scorer.level_std"):
        state[name] = state[name][..., 0].copy()
    head |= head.pop("sets")[0]
    head["settings"] = {k: head["settings"][k] for k in ("dims", "timesteps", "steps")}
    del head["bank"]
    save_file(state, tmp_path / "model.safetensors")
    (tmp_path / "model.json").write_text(json.dumps(head))
    model, _ = inspector.load(tmp_path)
    assert model.model.first.settings.reference == "mean"
    crops = torch.zeros(2, 64, 64, 3, dtype=torch.uint8)
    assert torch.isfinite(model(crops, torch.tensor([0, 1]))[0]).all()


def test_folds_that_an_interrupted_run_made_of_other_features_are_made_anew(tmp_path):
    spec = Spec(parts_run=make_parts(tmp_path, {"dist1": (20, 10)}), **SMALL)
    run = runs.create(tmp_path, "inspect", specs.to_json(spec), queued=False)
    (run.folder / "artifacts").mkdir()
    units = run.folder / "checkpoint"
    units.mkdir()
    (units / "fold-0-0.npz").write_bytes(b"of other features")
    assert crossval.run(spec, run.folder, quiet).n == 30

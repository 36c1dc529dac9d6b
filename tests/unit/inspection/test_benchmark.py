"""Public sets judged by their own split, from small made trees of each layout."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from backend.core import facts, runs, specs
from backend.images import imagefiles
from backend.inspection.benchmark import categories, job, measure, published_figures, report
from backend.inspection.benchmark.spec import Result, Spec
from backend.records import Cancelled, Label, UserError
from tests import tiny_benchmark
from tests.tiny_benchmark import BAD, GOOD, SETS, TRAIN

QUICK = {"weights": "scattering", "methods": ("padim",), "steps": 2, "size": 64}


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


def judged(root, out, progress=quiet, **values) -> Result:
    (out / "artifacts").mkdir(parents=True, exist_ok=True)
    spec = specs.from_json(Spec, {"folder": str(root), **QUICK, **values})
    return job.run(spec, out, progress)


@pytest.fixture
def bottles(tmp_path):
    root = tmp_path / "set"
    tiny_benchmark.mvtec(root, ("bottle", "cable"))
    return root


@pytest.mark.parametrize("dataset", SETS, ids=lambda name: name or "own tree")
@pytest.mark.parametrize("named", (True, False))
def test_every_layout_is_read_with_its_split_and_its_masks(dataset, named, tmp_path):
    write, names, layout = SETS[dataset]
    write(tmp_path / "set", names)
    found = categories.read(tmp_path / "set", layout if named else "auto")
    assert [one.name for one in found.categories] == sorted(names)
    assert found.layout == layout and found.left_out == ()
    assert published_figures.dataset_of(names, found.layout) == dataset
    for one in found.categories:
        assert len(one.train) == TRAIN and len(one.test) == GOOD + BAD
        assert all(part.label == Label.GOOD for part in one.train)
        bad = [part for part in one.test if part.label == Label.BAD]
        assert len(bad) == BAD
        for part in bad:
            [mask] = part.masks
            assert (imagefiles.read_mask(mask) > 0).sum() == 14 * 14


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A set, the run's folder, and its result."""
    root, out = tmp_path_factory.mktemp("set"), tmp_path_factory.mktemp("run")
    tiny_benchmark.mvtec(root, ("bottle", "cable"))
    return root, out, judged(root, out)


def test_categories_are_judged_beside_what_others_published(done):
    _, out, result = done
    assert result.dataset == "MVTec AD" and result.categories == ("bottle", "cable")
    assert (result.n_train, result.n_good, result.n_bad) == (2 * TRAIN, 2 * GOOD, 2 * BAD)
    assert result.mean_auroc["diffusion"] > 0.9 and result.mean_aupro["diffusion"] > 0.5
    assert result.part_ms > 0
    table = pd.read_csv(out / "artifacts" / "benchmark.csv")
    ours = table[(table["source"] == report.OURS) & (table["method"] == "padim")]
    assert list(ours["category"]) == ["bottle", "cable", report.MEAN]
    assert ours["auroc"].iloc[2] == pytest.approx(ours["auroc"].iloc[:2].mean())
    theirs = table[(table["category"] == report.MEAN) & table["source"].str.contains("Roth")]
    assert theirs["auroc"].item() == pytest.approx(np.mean([1.000, 0.997]))
    page = (out / "artifacts" / "benchmark.html").read_text()
    assert "bottle" in page and "arXiv 2106.08265" in page
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="http', page)


def test_training_pictures_judge_nothing(done):
    scores = facts.read(done[1], "scores")
    assert scores["part"].str.contains("/test/").all()
    assert scores["part"].nunique() == 2 * (GOOD + BAD)


def test_each_category_has_a_model_of_its_own(done, tmp_path):
    """Its scores are those of a fold of the model's own functions, on that category alone."""
    from backend.inspection.model import cross_validation, feature_sets, features
    from backend.inspection.model.folds import Fold

    root, out, _ = done
    spec = Spec(folder=str(root), **QUICK).model
    found = categories.read(root, "mvtec", ("cable",))
    read = measure.read(found.categories[0], 64, False, tmp_path, quiet)
    choices = features.choose("scattering", "", tmp_path)
    sets = feature_sets.maps_of(feature_sets.shared(spec, choices, read.data, lambda *_: None))
    fold = Fold(0, 0, np.flatnonzero(read.train), np.flatnonzero(~read.train))
    [scored] = cross_validation.score_folds(spec, read.data, [fold], sets, quiet)
    table = facts.read(out, "scores")
    mine = table[(table["method"] == "diffusion") & (table["feature"] == "cable")]["score"]
    assert mine.to_numpy() == pytest.approx(scored.scores["diffusion"], abs=1e-6)


def test_a_benchmark_goes_on_with_the_category_it_stopped_in(done, tmp_path):
    seen = []

    def stops(fraction, message="", *, step=None, metrics=None):
        if message.startswith("cable"):
            raise Cancelled

    def watches(fraction, message="", *, step=None, metrics=None):
        seen.append(message)

    root, _, whole = done
    with pytest.raises(Cancelled):
        judged(root, tmp_path, stops)
    result = judged(root, tmp_path, watches)
    assert not any(message.startswith("bottle") for message in seen)
    assert result.mean_auroc == whole.mean_auroc and result.mean_aupro == whole.mean_aupro


def test_a_category_whose_pictures_changed_is_judged_again(done, tmp_path):
    root, out = (shutil.copytree(done[k], tmp_path / name) for k, name in ((0, "set"), (1, "run")))
    image, _ = tiny_benchmark.pixels(7, True)
    tiny_benchmark.save(root / "bottle" / "test" / "good" / "new.png", image)
    assert judged(root, out).n_good == 2 * GOOD + 1


def test_a_category_that_was_judged_by_other_features_is_judged_again(done, tmp_path):
    root, out = done[0], shutil.copytree(done[1], tmp_path / "run")
    made = [path / job.DONE for path in (out / "checkpoint").iterdir()]
    for file in made:
        runs.write_json(file, runs.read_json(file) | {"features": ["coco"]})
    judged(root, out)
    assert [runs.read_json(file)["features"] for file in made] == [["scattering"]] * len(made)


def test_a_bad_part_without_a_mask_counts_for_separation_alone(bottles, tmp_path):
    next((bottles / "bottle" / "ground_truth" / "cut").iterdir()).unlink()
    result = judged(bottles, tmp_path / "run", categories=("bottle",))
    assert result.n_bad == BAD
    located = facts.read(tmp_path / "run", "localisation")
    assert set(located["n_bad"]) == {BAD - 1}
    assert any("1 BAD parts have no mask" in note for note in result.notes)


def test_a_set_without_any_mask_has_no_pixel_figures(bottles, tmp_path):
    shutil.rmtree(bottles / "bottle" / "ground_truth")
    result = judged(bottles, tmp_path / "run", categories=("bottle",))
    assert result.mean_aupro == dict.fromkeys(result.mean_auroc)
    assert result.mean_auroc["padim"] > 0.5


def test_a_category_without_test_pictures_is_left_out_and_named(bottles, tmp_path):
    for kind in ("good", "cut"):
        for path in (bottles / "cable" / "test" / kind).iterdir():
            path.unlink()
    save = bottles / "cable" / "test" / "good" / "only.png"
    tiny_benchmark.save(save, tiny_benchmark.pixels(1, False)[0])
    result = judged(bottles, tmp_path / "run")
    assert result.categories == ("bottle",) and result.left_out == 1
    row = facts.read(tmp_path / "run", "left_out").iloc[0]
    assert row["file"] == "cable" and "no BAD part" in row["reason"]


def test_an_unreadable_picture_leaves_its_category_out_or_itself(bottles, tmp_path):
    broken = next((bottles / "cable" / "test" / "cut").iterdir())
    broken.write_bytes(b"no picture")
    result = judged(bottles, tmp_path / "run")
    assert result.categories == ("bottle",)
    assert broken.name in facts.read(tmp_path / "run", "left_out").iloc[0]["reason"]
    result = judged(bottles, tmp_path / "b", skip_unreadable=True, categories=("cable",))
    assert result.categories == ("cable",) and result.n_bad == BAD - 1


def test_links_out_of_the_tree_are_refused(bottles, tmp_path):
    outside = tmp_path / "outside.png"
    tiny_benchmark.save(outside, tiny_benchmark.pixels(1, False)[0])
    (bottles / "bottle" / "test" / "good" / "link.png").symlink_to(outside)
    with pytest.raises(UserError, match=r"link\.png' is a link to what lies outside"):
        judged(bottles, tmp_path / "run")


def test_names_in_tables_that_lead_out_of_the_tree_are_refused(tmp_path):
    tiny_benchmark.visa(tmp_path / "visa", ("candle",))
    table = tmp_path / "visa" / "split_csv" / "1cls.csv"
    table.write_text(table.read_text() + "\ncandle,test,normal,../secret.png,")
    with pytest.raises(UserError, match="lies outside"):
        categories.read(tmp_path / "visa", "visa")
    tiny_benchmark.real_iad(tmp_path / "iad", ("mint",))
    file = tmp_path / "iad" / "realiad_jsons" / "mint.json"
    told = json.loads(file.read_text())
    told["test"][0]["image_path"] = "../../../secret.png"
    file.write_text(json.dumps(told))
    with pytest.raises(UserError, match="lies outside"):
        categories.read(tmp_path / "iad", "real-iad")


@pytest.mark.parametrize("text", ("{", "[]", '{"meta": {}, "train": [], "test": []}'))
def test_damaged_json_of_real_iad_is_named(text, tmp_path):
    tiny_benchmark.real_iad(tmp_path, ("mint", "usb"))
    (tmp_path / "realiad_jsons" / "usb.json").write_text(text)
    with pytest.raises(UserError, match=r"usb\.json is no file of Real-IAD"):
        categories.read(tmp_path, "real-iad")


def test_another_protocol_of_real_iad_is_not_mixed_in(tmp_path):
    tiny_benchmark.real_iad(tmp_path, ("mint",))
    shutil.copytree(tmp_path / "realiad_jsons", tmp_path / "realiad_jsons_sv")
    [one] = categories.read(tmp_path, "real-iad").categories
    assert len(one.test) == GOOD + BAD


def test_a_picture_that_a_table_names_and_that_is_gone_is_told(tmp_path):
    tiny_benchmark.visa(tmp_path / "set", ("candle", "pcb1"))
    gone = next((tmp_path / "set" / "candle" / "Data" / "Images" / "Anomaly").iterdir())
    gone.unlink()
    result = judged(tmp_path / "set", tmp_path / "run")
    assert result.categories == ("pcb1",)
    reason = facts.read(tmp_path / "run", "left_out").iloc[0]["reason"]
    assert "1cls.csv, row" in reason and "does not exist" in reason


def test_a_table_without_splits_says_what_it_needs(tmp_path):
    tiny_benchmark.metadata(tmp_path, ("lid",))
    file = tmp_path / "metadata.csv"
    file.write_text(file.read_text().replace(",train", ",").replace(",test", ","))
    with pytest.raises(UserError, match="needs a column split"):
        categories.read(tmp_path, "metadata")
    file.write_text(file.read_text().replace(",1,", ",1,trian"))
    with pytest.raises(UserError, match="split must be train, val or test; got 'trian'"):
        categories.read(tmp_path, "metadata")


def test_a_wanted_category_must_be_there(bottles):
    with pytest.raises(UserError, match="there is no 'lid', only bottle, cable"):
        categories.read(bottles, "mvtec", ("lid",))


def test_a_wrong_layout_says_what_it_would_need(bottles):
    with pytest.raises(UserError, match=r"needs split_csv/1cls\.csv"):
        categories.read(bottles, "visa")
    with pytest.raises(UserError, match="needs the folder realiad_jsons"):
        categories.read(bottles, "real-iad")


def test_published_figures_name_their_source_and_fit_their_sets():
    for one in published_figures.FIGURES:
        assert one.source and one.setting and 0.5 < one.auroc <= 1
        known = published_figures.DATASETS[one.dataset]
        if one.each:
            assert set(one.each) == set(known)
            values = [value for value, _ in one.each.values()]
            assert np.mean(values) == pytest.approx(one.auroc, abs=0.0011)


def test_means_of_others_stand_only_beside_the_same_categories():
    whole = published_figures.DATASETS["BTAD"]
    assert len(published_figures.of("BTAD", whole)) == 3
    assert published_figures.of("BTAD", whole[:2]) == []
    assert published_figures.of("", ("lid",)) == []


def test_the_interval_of_a_mean_is_that_of_independent_categories():
    rows = pd.DataFrame(
        {"method": "padim", "auroc": [0.8, 0.9], "low": [0.7, 0.8], "high": [0.9, 1.0]}
    )
    empty = pd.DataFrame(columns=["method", "aupro_30", "aupro_30_low", "aupro_30_high"])
    [row] = measure.means(rows, empty)
    assert row["value"] == pytest.approx(0.85)
    assert row["high"] - row["value"] == pytest.approx(0.1 / np.sqrt(2))

"""Copies and look-alikes across groups: told with every figure, and made one group on request."""

import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from backend.core import facts, runs, specs, terminal
from backend.inspection.model import folds
from backend.inspection.model import job as crossval
from backend.inspection.model.spec import Spec as ModelSpec
from backend.inspection.parts import job as parts
from backend.inspection.parts import lookalikes
from backend.inspection.parts.checks import copies
from backend.inspection.parts.crops import read_parts
from backend.inspection.parts.spec import Spec as PartsSpec
from backend.inspection.threshold import active
from backend.records import RunState
from tests.unit.inspection.test_threshold import make_inspected, make_threshold

SENTENCE = (
    "43 parts look almost the same as a part of another group: separation (AUROC) and limits may "
    "be too good."
)


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


def table(**columns):
    """Five parts, each a group of its own, all different."""
    frame = pd.DataFrame({"part": list("abcde"), "group": list("ABCDE"), "digest": list("abcde")})
    return frame.assign(near_group=0, **columns)


def test_the_sentence_counts_copies_and_look_alikes():
    assert lookalikes.words(0, 0) == ""
    assert lookalikes.words(0, 43) == SENTENCE
    assert lookalikes.words(0, 1).startswith("1 part looks almost")
    assert lookalikes.words(2, 3).startswith(
        "2 parts have an exact copy in another group and 3 parts look almost"
    )


def test_torn_parts_are_copies_or_look_alikes_in_another_group():
    frame = table(digest=list("aacde")).assign(near_group=[1, 1, 1, 2, 2])
    copied, alike = copies.torn(frame)
    assert copied.tolist() == [True, True, False, False, False]
    assert alike.tolist() == [False, False, True, True, True]
    one_group = frame.assign(group="A")
    assert not any(found.any() for found in copies.torn(one_group))


def test_groups_join_by_turns_under_the_name_of_the_first():
    frame = table(digest=list("aabcd")).assign(near_group=[0, 1, 1, 0, 0])
    assert copies.joined(frame).tolist() == ["A", "A", "A", "D", "E"], "copy, then look-alike"
    shared = frame.assign(group=["A", "B", "C", "C", "E"])
    assert copies.joined(shared).tolist() == ["A", "A", "A", "A", "E"], "a group comes whole"
    assert copies.joined(table()).tolist() == list("ABCDE")


def textured(seed, shift=0):
    random = np.random.default_rng(seed)
    coarse = random.integers(40, 200, (16, 16), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC))
    grain = random.normal(0, 4, (64, 64)) if shift else 0
    return Image.fromarray((pixels + grain + shift).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """A folder in which each of 20 GOOD parts has a twin in another group; 12 BAD ones have none.

    All are textures of chance, so that nothing tells BAD from GOOD but the twins.
    """
    root = tmp_path_factory.mktemp("twins")
    rows = []
    for k in range(20):
        textured(k).save(root / f"{k:02d}.png")
        textured(k, shift=6).save(root / f"{k:02d}b.png")
        rows += [(f"{k:02d}.png", "pad", 1, f"g{k}"), (f"{k:02d}b.png", "pad", 1, f"h{k}")]
    for k in range(100, 112):
        textured(k).save(root / f"{k}.png")
        rows.append((f"{k}.png", "pad", 0, f"b{k}"))
    columns = ["file_name", "feature", "label", "group"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "metadata.csv", index=False)
    return root


def take_in(root, folder, join):
    run = runs.create(root, "parts", {"group_lookalikes": join})
    spec = PartsSpec(source="folder", folder=str(folder), group_lookalikes=join)
    result = parts.run(spec, run.folder, quiet)
    runs.finish(run.folder, RunState.COMPLETED, result=specs.to_json(result))
    return run.folder, result


def torn_pairs(folder):
    """Pairs of look-alikes of which a fold would learn from one and judge the other."""
    data = folds.load(folder, 64)
    found = facts.read(folder, "part_checks").set_index("part")["near_group"]
    near = found[data.frame["part"]].to_numpy()
    return sum(
        len(set(near[one.train]) & set(near[one.test]) - {0})
        for one in folds.make_folds(data, 4, 2, 0)
    )


def test_joined_groups_leave_no_torn_pair_in_any_fold(twins, tmp_path):
    folder, before = take_in(tmp_path, twins, join=False)
    assert (before.alike, before.groups, before.joined) == (40, 52, 0)
    assert before.lookalikes == lookalikes.words(0, 40) == lookalikes.warning(folder)
    assert torn_pairs(folder) > 20
    folder, after = take_in(tmp_path, twins, join=True)
    assert (after.alike, after.duplicates, after.groups, after.joined) == (0, 0, 32, 40)
    assert after.lookalikes == "" == lookalikes.warning(folder)
    assert any("40 groups joined because parts look alike" in note for note in after.notes)
    assert not facts.read(folder, "part_checks")["leak"].any()
    frame = read_parts(folder).set_index("part")
    assert frame.loc["03b.png", ["group", "given_group"]].tolist() == ["g3", "h3"]
    assert torn_pairs(folder) == 0


def test_a_set_scores_too_well_until_its_look_alikes_are_one_group(twins, tmp_path):
    found = {}
    for join in (False, True):
        folder, _ = take_in(tmp_path, twins, join)
        inspected = runs.create(tmp_path, "inspect", {"parts_run": folder.name})
        (inspected.folder / "artifacts").mkdir()
        spec = ModelSpec(
            parts_run=folder.name, weights="scattering", methods=("knn",), folds=4,
            steps=0, size=64, dims=16, timesteps=1, class_scores=False,
        )  # fmt: skip
        result = crossval.run(spec, inspected.folder, quiet)
        runs.finish(inspected.folder, RunState.COMPLETED, result=specs.to_json(result))
        assert result.lookalikes == lookalikes.warning(inspected.folder)
        found[join] = result
    assert "40 parts look almost the same" in found[False].lookalikes
    assert found[True].lookalikes == ""
    assert found[False].mean_auroc["knn"] > found[True].mean_auroc["knn"] + 0.08


@pytest.fixture
def leaky(storage):
    """A finished anomaly model on parts of which 43 have a look-alike in another group."""
    inspect_run = make_inspected(storage.runs, {"dots": (30, 5)})
    parts_run = runs.read(storage.runs / inspect_run).spec["parts_run"]
    result = {"duplicates": 0, "alike": 43}
    runs.finish(storage.runs / parts_run, RunState.COMPLETED, result=result)
    return storage.runs / inspect_run


def test_the_warning_goes_with_all_that_rests_on_the_parts(leaky, storage):
    version = make_threshold(storage.runs, leaky.name)
    assert version.result["lookalikes"] == SENTENCE
    content = runs.read_json(version.folder / active.FILE)
    assert content["lookalikes"] == SENTENCE
    chosen = active.activate(storage.storage, version.folder, "Ada", "")
    assert chosen.lookalikes == SENTENCE
    for kind, name in (("ablation", "inspect_run"), ("package", "model_run")):
        run = runs.create(storage.runs, kind, {name: leaky.name})
        assert lookalikes.warning(run.folder) == SENTENCE
    assert lookalikes.warning(leaky) == SENTENCE


def test_a_run_whose_parts_are_gone_keeps_its_own_sentence(leaky, storage):
    version = make_threshold(storage.runs, leaky.name)
    parts_folder = lookalikes.parts_folder(version.folder)
    parts_folder.rename(storage.storage / parts_folder.name)
    assert lookalikes.warning(version.folder) == SENTENCE
    assert lookalikes.warning(leaky) == "", "nothing is known of it"


def test_older_parts_are_counted_from_their_checks_or_said_to_be_unchecked(leaky, storage):
    folder = lookalikes.parts_folder(leaky)
    runs.finish(folder, RunState.COMPLETED, result={"n": 35})
    assert lookalikes.warning(leaky) == lookalikes.UNKNOWN
    checks = facts.read(folder, "parts")[["part"]].assign(digest=list(map(str, range(35))))
    near = [1, 1, 1] + [0] * 32
    facts.write(folder, "part_checks", checks.assign(near_group=near, leak=False))
    assert lookalikes.warning(leaky) == lookalikes.words(0, 3)


def test_a_verb_prints_the_warning(leaky, storage, capsys):
    version = make_threshold(storage.runs, leaky.name)
    runs.claim(version.folder, os.getpid())
    terminal._say_how_it_ended(runs.read(version.folder))
    assert f"Warning: {SENTENCE}" in capsys.readouterr().err

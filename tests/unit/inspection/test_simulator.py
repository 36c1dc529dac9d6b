"""The inkjet simulator: determinism, twins, tolerances, counts, difficulty and speed."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from backend.inspection.parts import simulator as sim


def beyond_tolerance(part):
    return [cause for cause, limit in sim.TOLERANCE.items() if part.params[cause] > limit]


def test_counts_are_those_of_source_b():
    good, bad = (sum(pair[k] for pair in sim.COUNTS.values()) for k in (0, 1))
    assert tuple(sim.COUNTS) == sim.FEATURES
    assert good + bad == 1327
    assert 0.20 <= bad / 1327 <= 0.30
    assert sim.COUNTS["angle"][0] / sim.COUNTS["angle"][1] == pytest.approx(9.7, abs=0.05)


def test_every_cause_has_a_tolerance_and_every_bad_part_a_cause():
    assert sim.TOLERANCE.keys() == sim.EXCESS.keys()
    assert sim.CAUSES.keys() == set(sim.FEATURES)
    used: set[str] = set()
    for causes in sim.CAUSES.values():
        assert sum(causes.values()) == pytest.approx(1)
        used |= causes.keys()
    assert used == sim.TOLERANCE.keys()
    assert all(low >= 1 for low, _ in sim.EXCESS.values())


@pytest.mark.parametrize("feature", sim.FEATURES)
def test_good_within_tolerance_bad_beyond_in_one_cause(feature):
    causes = set()
    for seed in range(24):
        good, bad = (sim.simulate_part(feature, label, seed) for label in (1, 0))
        assert beyond_tolerance(good) == [] and good.defect == "" and not good.mask.any()
        assert beyond_tolerance(bad) == [bad.defect]
        assert set(np.unique(bad.mask)) == {0, 255} and bad.mask.mean() < 255 * 0.5
        causes.add(bad.defect)
    assert causes == sim.CAUSES[feature].keys()


@pytest.mark.parametrize("feature", sim.FEATURES)
def test_same_arguments_same_bytes(feature):
    one, again = (sim.simulate_part(feature, 0, 7) for _ in range(2))
    assert one.image.tobytes() == again.image.tobytes()
    assert one.mask.tobytes() == again.mask.tobytes()
    assert one.params == again.params
    assert one.image.shape == (128, 128, 3) and one.image.dtype == np.uint8
    assert one.mask.shape == (128, 128) and one.mask.dtype == np.uint8
    assert (one.feature, one.label) == (feature, 0)
    assert (sim.simulate_part(feature, 0, 8).image != one.image).mean() > 0.5


@pytest.mark.parametrize("feature", sim.FEATURES)
def test_twins_differ_where_the_mask_says(feature):
    """Label 0 and 1 of a seed share print, paper and camera noise; severity 0 is the GOOD twin."""
    for seed in range(12):
        good, bad = (sim.simulate_part(feature, label, seed) for label in (1, 0))
        nothing = sim.simulate_part(feature, 0, seed, severity=0)
        assert nothing.image.tobytes() == good.image.tobytes() and not nothing.mask.any()
        difference = abs(good.image[:, :, 0].astype(int) - bad.image[:, :, 0])
        marked = bad.mask > 0
        assert difference[marked].mean() > 5 * difference[~marked].mean()
        assert difference[marked].max() > 5


@pytest.mark.parametrize("cause", sim.TOLERANCE)
def test_a_cause_changes_its_own_drops_only(cause):
    """One magnitude raised: the other drops land exactly where they did before."""
    nominal = sim.layout("dots" if cause == "drop placement" else "dist6")
    quiet = {name: 0.4 * limit for name, limit in sim.TOLERANCE.items()}
    before, after = (
        sim._land(nominal, magnitude, np.random.default_rng(5))
        for magnitude in (quiet, {**quiet, cause: 3 * sim.TOLERANCE[cause]})
    )
    k = len(nominal.xy)
    moved = (before.xy[:k] != after.xy[:k]).any(axis=1)
    inked = before.ink[:k] != after.ink[:k]
    whole_line = np.bincount(nominal.element)[0]
    expected = {
        "drop placement": k,
        "ragged edge": 2 * k // 3,
        "deflected nozzle": 9,
        "line spacing": whole_line,
        "skew": whole_line,
    }
    assert abs(moved.sum() - expected.get(cause, 0)) <= (cause == "skew")  # the pivot may stay
    assert inked.sum() == (9 if cause == "missing nozzle" else 0)
    assert (len(after.xy) > len(before.xy)) == (cause == "satellites")
    assert (before.sigma[:k] == after.sigma[:k]).all()


def test_defect_grows_with_severity():
    for feature in sim.FEATURES:
        change = [
            np.mean(
                [
                    abs(
                        sim.simulate_part(feature, 1, seed).image.astype(int)
                        - sim.simulate_part(feature, 0, seed, severity=severity).image
                    ).mean()
                    for seed in range(10)
                ]
            )
            for severity in (0.5, 1.0, 2.0)
        ]
        assert 0 < change[0] < change[1] < change[2], feature


def test_a_size_is_a_scale_of_the_same_print():
    for feature in sim.FEATURES:
        small, large = (sim.simulate_part(feature, 0, 3, size) for size in (64, 256))
        assert small.params == large.params
        shrunk = cv2.resize(large.image[:, :, 0], (64, 64), interpolation=cv2.INTER_AREA)
        assert np.corrcoef(shrunk.ravel(), small.image[:, :, 0].ravel())[0, 1] > 0.98


def test_crops_of_one_component_share_paper_and_ink():
    shared = ("ink", "paper", "texture", "light", "light_angle", "blur")
    four = [sim.simulate_part(f, 1, 40 + k) for k, f in enumerate(("dots", "edge1", "dots"))]
    other = sim.simulate_part("dots", 1, 44)
    assert {part.group for part in four} == {"component-000010"} != {other.group}
    assert len({tuple(part.params[name] for name in shared) for part in four}) == 1
    assert other.params["ink"] != four[0].params["ink"]
    assert four[0].params["skew"] != four[2].params["skew"]


def test_plan_holds_the_table():
    parts = sim.plan()
    counted = {
        f: tuple(sum(p[0] == f and p[1] == label for p in parts) for label in (1, 0))
        for f in sim.FEATURES
    }
    assert counted == sim.COUNTS
    assert len({seed for *_, seed in parts}) == 1327
    assert parts == sim.plan() != sim.plan(seed=1)
    assert not {p[3] for p in parts} & {p[3] for p in sim.plan(seed=1)}
    groups = [group for _, _, group, _ in parts]
    assert len(set(groups)) == 332 and max(map(groups.count, set(groups))) == 4
    feature, label, group, seed = parts[0]
    assert sim.simulate_part(feature, label, seed).group == group


def test_small_plan_keeps_enough_of_each_type():
    parts = sim.plan(scale=0.01)
    assert len(parts) == 8 * (12 + 3)
    for feature in sim.FEATURES:
        assert sum(p[1] for p in parts if p[0] == feature) == 12
    assert len(sim.plan(scale=2.0)) == 2 * 1327


def test_plan_splits_into_five_folds_by_component_with_bad_in_each():
    for feature in sim.FEATURES:
        rows = [p for p in sim.plan() if p[0] == feature]
        label, group = np.array([p[1] for p in rows]), np.array([p[2] for p in rows])
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(label, label, group)
        for train, test in folds:
            assert not set(group[train]) & set(group[test])
            assert (label[test] == 0).any() and (label[test] == 1).any()


def pixel_auroc(feature, severity, n=90):
    """PCA residual + Mahalanobis of 32 x 32 pixels, fitted on other GOOD parts only."""

    def pixels(label, first):
        crops = [
            sim.simulate_part(feature, label, first + k, severity=severity).image[:, :, 0]
            for k in range(n)
        ]
        small = [cv2.resize(c, (32, 32), interpolation=cv2.INTER_AREA).ravel() for c in crops]
        x = np.array(small, float)
        return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)

    pca = PCA(30, whiten=True, svd_solver="full").fit(pixels(1, 0))

    def score(x):
        z = pca.transform(x)
        rest = ((x - pca.inverse_transform(z)) ** 2).mean(axis=1)
        return (z**2).mean(axis=1) + rest / pca.noise_variance_

    scores = np.concatenate([score(pixels(1, 10_000)), score(pixels(0, 20_000))])
    return roc_auc_score(np.repeat([0, 1], n), scores)


@pytest.mark.parametrize("feature", ["dots", "edge2"])
def test_difficulty_is_neither_chance_nor_trivial(feature):
    nothing, normal, strong = (pixel_auroc(feature, severity) for severity in (0.0, 1.0, 2.5))
    assert nothing == pytest.approx(0.5, abs=0.1)
    assert 0.75 < normal < 0.99
    assert strong > normal


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="unknown feature 'dist7'; one of angle, dist1"):
        sim.simulate_part("dist7", 1, 0)
    with pytest.raises(ValueError, match="label must be 1 or 0"):
        sim.simulate_part("dots", 2, 0)
    with pytest.raises(ValueError, match="severity >= 0"):
        sim.simulate_part("dots", 0, 0, severity=-1)


def test_import_stays_light():
    code = (
        "import sys, backend.inspection.parts.simulator, backend.numeric.statistics;"
        "print({'torch', 'streamlit', 'ultralytics', 'duckdb'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"

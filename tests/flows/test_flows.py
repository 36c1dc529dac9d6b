"""Flows A and B end to end, tiny: every job ends well and leaves the rows its page shows."""

import math

import pandas as pd
import pytest

from backend.core import facts
from backend.core.store import Store, signature

TABLES = {
    "generate": ("images", "boxes"),
    "composite": ("images", "boxes"),
    "label": ("images", "boxes"),
    "agreement": ("agreements", "figures"),
    "similarity": ("ssim_pairs", "figures", "neighbours"),
    "sample": ("images",),
    "dataset": ("images", "boxes"),
    "testset": ("images", "boxes"),
    "detector": ("images", "boxes", "figures", "predictions"),
    "parts": ("parts",),
    "inspect": ("scores", "auroc", "comparisons", "figures"),
    "latency": ("latencies", "figures"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_job_leaves_its_rows_in_the_store(tiny_runs, kind):
    store = Store(":memory:")
    run = tiny_runs[kind]
    store.ingest(run, signature(run.folder))
    for table in TABLES[kind]:
        written = facts.read(run.folder, table)
        assert len(written) > 0
        assert len(store.facts(table, run.id)) == len(written)


def test_every_curve_has_steps_and_finite_values(tiny_runs):
    store = Store(":memory:")
    for kind in ("diffusion", "lora", "distill", "detector"):
        store.ingest(tiny_runs[kind], signature(tiny_runs[kind].folder))
        curves = store.facts("curves", tiny_runs[kind].id)
        assert curves["step"].min() >= 1
        assert curves["value"].map(math.isfinite).all()


def test_similarity_reports_the_controls_beside_the_pairs(tiny_runs):
    pairs = facts.read(tiny_runs["similarity"].folder, "ssim_pairs")
    assert set(pairs["pairing"]) == {"matched", "random", "mean image"}
    trained = pairs[pairs["split"] == "trained"]
    means = trained.groupby("pairing")["ssim"].mean()
    result = tiny_runs["similarity"].result
    assert result["matched_ssim"] == pytest.approx(means["matched"])
    assert result["gap"] == pytest.approx(means["matched"] - means["random"])


def test_detector_without_real_images_says_so(tiny_runs):
    result = tiny_runs["detector"].result
    assert result["real"] is False
    assert result["test_intact"] > 0
    images = facts.read(tiny_runs["detector"].folder, "images")
    assert set(images["source"]) == {"rendered"}
    assert len(images) == result["test_images"]


def test_the_figures_of_a_detector_are_those_of_its_rows(tiny_runs):
    folder = tiny_runs["detector"].folder
    figures = facts.read(folder, "figures").set_index(["subject", "metric"])
    result = tiny_runs["detector"].result
    assert figures.loc[("all test images", "AP50"), "value"] == result["ap50"]
    assert figures.loc[("intact images", "share with an alarm"), "n"] == result["test_intact"]
    predictions = facts.read(folder, "predictions")
    chosen = predictions[predictions["confidence"] >= result["confidence"]]
    truths = len(facts.read(folder, "boxes"))
    assert result["recall"] == pytest.approx(chosen["correct"].sum() / truths)


def test_every_part_is_scored_once_by_every_method_out_of_fold(tiny_runs):
    parts = facts.read(tiny_runs["parts"].folder, "parts")
    scores = facts.read(tiny_runs["inspect"].folder, "scores")
    for _, rows in scores.groupby("method"):
        assert sorted(rows["part"]) == sorted(parts["part"])
    groups = pd.Series(parts["group"].to_numpy(), index=parts["part"])
    folds = scores.drop_duplicates("part")
    assert folds.groupby(folds["part"].map(groups))["fold"].nunique().max() == 1


def test_provenance_names_inputs_and_versions(tiny_runs):
    from backend.core import runs

    origin = runs.read_json(tiny_runs["detector"].folder / "provenance.json")
    dataset = tiny_runs["dataset"].id
    assert len(origin["inputs"][f"dataset_run:{dataset}"]) == 64
    assert origin["versions"]["torch"].startswith("2.")

"""How far labels agree with exact masks: the measures, and the run over each kind of source."""

import numpy as np
import pytest

from backend.core import facts, runs, specs
from backend.images import imagefiles, imageset
from backend.images.boxes import boxes_of
from backend.images.labelled_image import LabelledImage
from backend.labels.agreement import job as agreement
from backend.labels.agreement import overlap
from backend.labels.agreement.job import CEILING, MASK_IOU, PRECISION, SHARE
from backend.labels.agreement.spec import Spec
from backend.plots import labels as labels_plots
from backend.records import Box, UserError
from tests.unit.labels.test_label import SIZE, cracked, finished, quiet


def compare(storage, **values):
    """Result, rows and figures (by subject and metric) of a comparison."""
    out = runs.create(storage, "agreement", {}).folder
    result = agreement.run(specs.from_json(Spec, values), out, quiet)
    figures = facts.read(out, "figures")
    by_name = {(row.subject, row.metric): row for row in figures.itertuples()}
    return result, facts.read(out, "agreements"), by_name, out


def true_mask(seed: int) -> np.ndarray:
    """Where `cracked(seed)` is dark, uint8."""
    return (cracked(seed)[..., 0] < 125).astype(np.uint8) * 255


def masked_run(folder, source: str = "exact"):
    """A finished run of two images with masks and boxes around them, of one specimen each."""
    run = finished(folder)

    def make(k: int) -> LabelledImage:
        mask = true_mask(k)
        boxes = tuple(Box("crack", box.xyxy, 1.0, source) for box in boxes_of(mask > 0, "crack"))
        return LabelledImage(cracked(k), "photograph", boxes, mask, group=f"part-{k}")

    imageset.write(run, 2, make, quiet)
    return run


def test_a_perfect_guess_agrees_and_an_empty_one_does_not():
    mask = np.zeros((60, 60), bool)
    mask[10:30, 10:30] = True
    box = Box("x", (10, 10, 30, 30))
    met = overlap.compare(mask, [box], mask, [box])
    assert (met.mask_iou, met.near_f1, met.right) == (1, 1, 1)
    assert met.box_iou == pytest.approx([1])
    missed = overlap.compare(mask, [box], np.zeros_like(mask), [])
    assert (missed.mask_iou, missed.near_f1, missed.found, missed.right) == (0, 0, 0, 0)
    assert list(missed.box_iou) == [0]
    intact = overlap.compare(np.zeros_like(mask), [], np.zeros_like(mask), [])
    assert (intact.mask_iou, intact.near_f1, len(intact.box_iou)) == (1, 1, 0)


def test_a_line_one_pixel_aside_is_near_though_its_overlap_is_nothing():
    line, aside = np.zeros((2, 100, 100), bool)
    line[50, 10:90] = True
    aside[51, 10:90] = True
    assert overlap.mask_iou(line, aside) == 0
    assert overlap.near_f1(line, aside) > 0.95
    assert overlap.near_f1(line, np.roll(aside, 10, 0)) == 0


def test_two_guesses_on_one_defect_are_one_right_box():
    box = Box("x", (0, 0, 20, 20))
    mask = np.zeros((40, 40), bool)
    met = overlap.compare(mask, [box], mask, [box, Box("x", (0, 0, 20, 19))])
    assert (met.found, met.right) == (2, 1)


def test_rendered_cracks_compare_the_labellers_with_intervals_and_a_ceiling(tmp_path):
    result, rows, figures, out = compare(tmp_path, count=8, size=128, seed=40)
    assert set(rows["labeller"]) == {"edges", "centred"}
    edges = figures["edges", SHARE]
    assert 0 <= edges.low <= edges.value <= edges.high <= 1
    assert edges.n == rows[rows["labeller"] == "edges"]["box"].notna().sum() == result.boxes
    assert figures["edges", MASK_IOU].value > figures["centred", MASK_IOU].value
    assert figures[CEILING, SHARE].value >= 0.5
    assert (CEILING, MASK_IOU) not in figures
    assert result.ceiling == figures[CEILING, SHARE].value
    for column in ("path", "mask_path", "guess_path"):
        assert (out / rows.iloc[0][column]).exists()
    assert set(rows["source"]) <= {"back light", "dark field", "bright field", "photograph"}


def test_the_same_seed_gives_the_same_figures(tmp_path):
    first, second = (compare(tmp_path, count=3, size=128)[1] for _ in range(2))
    assert first.equals(second)


def test_a_run_with_exact_masks_is_compared_by_its_own_boxes(tmp_path):
    run = masked_run(tmp_path)
    result, rows, figures, _ = compare(
        tmp_path, source="run", source_run=run.name, labellers=["edges"]
    )
    assert (result.images, result.best) == (2, "edges")
    assert list(rows["group"]) == ["part-0", "part-1"]
    assert figures["edges", SHARE].value == 1
    assert figures["edges", SHARE].low < 1, "two images prove little"
    assert figures["edges", PRECISION].value == 1


def test_the_control_is_never_the_best_beside_another(tmp_path):
    run = masked_run(tmp_path)
    pair = ["centred", "edges"]
    result = compare(tmp_path, source="run", source_run=run.name, labellers=pair)[0]
    assert result.best == "edges"
    assert result.verdict.startswith("Share of boxes that fit: centred (control) ")
    ahead = [
        {"subject": name, "metric": metric, "value": value, "low": 0.0, "high": 1.0, "n": 2}
        for name, value in (("centred", 0.9), ("edges", 0.1))
        for metric in (SHARE, MASK_IOU)
    ]
    assert agreement._result(Spec(), 2, ahead).best == "edges"


def test_guessed_masks_are_no_truth(tmp_path):
    run = masked_run(tmp_path, source="attention")
    with pytest.raises(UserError, match="no image whose mask is exact"):
        compare(tmp_path, source="run", source_run=run.name)


def test_a_folder_of_images_and_masks_is_compared(tmp_path):
    root = tmp_path / "walls"
    for k in range(3):
        imagefiles.write(root / "images" / f"{k}.png", cracked(k))
        imagefiles.write(root / "masks" / f"{k}.png", true_mask(k))
    result, rows, figures, _ = compare(
        tmp_path, source="folder", folder=str(root), count=2, labellers=["edges", "centred"]
    )
    assert (result.images, result.ceiling) == (2, None)
    assert not [name for name in figures if name[0] == CEILING]
    assert rows["near_f1"][rows["labeller"] == "edges"].min() > 0.6


def test_an_intact_image_has_one_row_and_no_true_box(tmp_path):
    run = finished(tmp_path)
    blank = np.full((SIZE, SIZE, 3), 120, np.uint8)
    empty = np.zeros((SIZE, SIZE), np.uint8)
    imageset.write(run, 2, lambda k: LabelledImage(blank, "photograph", mask=empty), quiet)
    result, rows, figures, _ = compare(tmp_path, source="run", source_run=run.name)
    assert len(rows) == 4
    assert rows["box"].isna().all()
    assert (result.boxes, result.share) == (0, None)
    assert figures["edges", MASK_IOU].value == 1
    assert ("edges", SHARE) not in figures


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"labellers": []}, "at least one"),
        ({"labellers": ["attention"]}, "attention maps"),
        ({"source": "folder"}, "Folder"),
        ({"source": "run"}, "Source run"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(values, words):
    with pytest.raises(UserError, match=words):
        specs.from_json(Spec, values)


def test_the_histogram_names_its_n_and_tells_labellers_apart(tmp_path):
    _, rows, _, _ = compare(tmp_path, count=3, size=128)
    figure = labels_plots.agreement_histogram(rows)
    n = int(rows[rows["labeller"] == "edges"]["box"].notna().sum())
    assert f"n = {n} boxes" in figure.layout.title.text
    assert [trace.name for trace in figure.data] == [f"edges, n = {n}", f"centred, n = {n}"]
    assert figure.data[0].marker.pattern.shape != figure.data[1].marker.pattern.shape

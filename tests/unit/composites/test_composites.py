"""Composites: defects that show, stay where they may lie, and leave the rest of a photograph."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from backend.composites import blending, defects, donors, from_student, placement, region
from backend.composites import job as composites
from backend.composites.change import Proposal, contrast_of, margin, settle
from backend.composites.fit_in import Freedom
from backend.composites.from_inpainting import Inpainted
from backend.composites.from_renderer import Rendered
from backend.composites.spec import Result, Spec
from backend.core import runs
from backend.core.specs import from_json
from backend.images import curation, imagefiles, imageset
from backend.images.boxes import boxes_of
from backend.images.labelled_image import LabelledImage
from backend.records import Box, RunState, UserError

VISIBLE = 0.02 * 255
FREE = Freedom(0.6, 1.0, turns=True, flips=True)


def silent(*args: Any, **named: Any) -> None:
    """A progress nobody listens to."""


def photograph(seed: int, height: int = 120, width: int = 200) -> np.ndarray:
    """A grainy grey surface with a slope of light."""
    random = np.random.default_rng(seed)
    light = np.linspace(130, 170, width)[None, :, None] + random.normal(0, 2, (height, width, 1))
    return np.clip(light, 0, 255).astype(np.uint8).repeat(3, 2)


def cracked(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A photograph with a dark line, and its mask."""
    pixels, mask = photograph(seed, 160, 160), np.zeros((160, 160), np.uint8)
    cv2.line(mask, (30, 40 + seed), (130, 110), 255, 3)
    pixels[mask > 0] //= 2
    return pixels, mask


def part(seed: int = 0) -> np.ndarray:
    """A dark part with a hole before a plain pale background."""
    pixels = np.full((150, 240, 3), 230, np.uint8)
    cv2.ellipse(pixels, (120, 75), (90, 50), 10 * seed, 0, 360, (90, 95, 100), -1)
    cv2.circle(pixels, (150, 75), 18, (230, 230, 230), -1)
    return pixels


def made(folder: Path, *images: LabelledImage) -> str:
    """A finished run of these images."""
    run = runs.create(folder, "generate", {})
    imageset.write(run.folder, len(images), images.__getitem__, silent)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return run.id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def goods(folder: Path) -> str:
    """Three good photographs of two parts, and one with a defect."""
    groups = ("a", "a", "b")
    images = [LabelledImage(photograph(k), "photograph", group=g) for k, g in enumerate(groups)]
    bad = LabelledImage(
        photograph(9), "photograph", (Box("crack", (5.0, 5.0, 30.0, 30.0)),), group="c"
    )
    return made(folder, *images, bad)


@pytest.fixture
def labelled(folder: Path) -> str:
    images = []
    for seed in range(3):
        pixels, mask = cracked(seed)
        boxes = tuple(boxes_of(mask > 0, "crack"))
        images.append(LabelledImage(pixels, "photograph", boxes, mask))
    return made(folder, *images)


@dataclass(frozen=True)
class Seen:
    """One composite as it lies on disk."""

    pixels: np.ndarray
    mask: np.ndarray
    original: np.ndarray
    boxes: tuple[Box, ...]
    group: str

    @property
    def change(self) -> np.ndarray:
        return np.abs(self.pixels.astype(int) - self.original.astype(int)).max(2)


def compose(folder: Path, goods: str, **values: Any) -> tuple[Result, list[Seen]]:
    """Run composites and read them back."""
    spec = from_json(Spec, {"goods_run": goods, "intact_share": 0.0} | values)
    run = runs.create(folder, "composite", {})
    result = composites.run(spec, run.folder, silent)
    return result, seen(run.folder)


def seen(run_folder: Path) -> list[Seen]:
    images, boxes = curation.kept(run_folder)
    return [
        Seen(
            imagefiles.read_rgb(run_folder / row["path"]),
            imagefiles.read_rgb(run_folder / row["mask_path"])[..., 0] > 0,
            imagefiles.read_rgb(run_folder / row["background_path"]),
            imageset.boxes_of(boxes, row["image"]),
            row["group"],
        )
        for row in images.to_dict("records")
    ]


def makers(labelled: str) -> dict[str, dict[str, Any]]:
    return {
        "renderer": {"teacher": "renderer", "classes": ["crack", "chip"]},
        "alpha": {"teacher": "copy-paste", "donors_run": labelled, "blending": "alpha"},
        "poisson": {"teacher": "copy-paste", "donors_run": labelled, "blending": "poisson"},
    }


@pytest.mark.parametrize("maker", ["renderer", "alpha", "poisson"])
def test_only_the_defect_changes_and_its_mask_is_what_differs(folder, goods, labelled, maker):
    result, images = compose(folder, goods, count=6, **makers(labelled)[maker])
    assert result.boxes >= 6 and result.intact == result.left_out == 0
    for image in images:
        assert image.pixels.shape == (120, 200, 3)
        reach = 2 * margin(120, 200) + 3
        near = cv2.dilate(image.mask.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
        assert np.array_equal(image.pixels[~near], image.original[~near])
        assert (image.change[image.mask] > VISIBLE).mean() > 0.3
        strong = cv2.dilate(image.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        assert strong[image.change > 4 * VISIBLE].mean() > 0.9


@pytest.mark.parametrize("maker", ["renderer", "alpha", "poisson"])
def test_every_defect_shows(folder, goods, labelled, maker):
    _, images = compose(
        folder, goods, count=4, contrast_least=0.15, defects_most=1, **makers(labelled)[maker]
    )
    for image in images:
        if image.boxes:
            difference = image.pixels / np.float32(255) - image.original / np.float32(255)
            assert contrast_of(difference, image.mask) > 0.08


def test_boxes_span_the_mask_and_bear_the_donors_class(folder, goods, labelled):
    _, images = compose(
        folder, goods, count=4, teacher="copy-paste", donors_run=labelled, defects_most=3
    )
    for image in images:
        ys, xs = np.nonzero(image.mask)
        corners = np.array([box.xyxy for box in image.boxes])
        assert corners[:, :2].min(0).tolist() == [xs.min(), ys.min()]
        assert corners[:, 2:].max(0).tolist() == [xs.max() + 1, ys.max() + 1]
        assert {box.class_name for box in image.boxes} == {"crack"}


def test_composites_of_one_specimen_share_its_group_and_bad_photographs_are_not_used(folder, goods):
    _, images = compose(folder, goods, count=6)
    assert [image.group for image in images] == ["a", "a", "b", "a", "a", "b"]


@pytest.mark.parametrize("maker", ["renderer", "alpha", "poisson"])
def test_an_image_depends_on_its_seed_alone(folder, goods, labelled, maker):
    _, many = compose(folder, goods, count=5, intact_share=0.3, **makers(labelled)[maker])
    _, one = compose(folder, goods, count=1, seed=4, intact_share=0.3, **makers(labelled)[maker])
    assert np.array_equal(many[4].pixels, one[0].pixels)
    assert many[4].boxes == one[0].boxes


def test_an_interrupted_run_goes_on_where_it_was(folder, goods):
    spec = from_json(Spec, {"goods_run": goods, "count": 4})
    _, whole = compose(folder, goods, count=4, intact_share=spec.intact_share)
    run = runs.create(folder, "composite", {})

    def stop_early(fraction: float, *args: Any, **named: Any) -> None:
        if fraction >= 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        composites.run(spec, run.folder, stop_early)
    composites.run(spec, run.folder, silent)
    for resumed, first in zip(seen(run.folder), whole, strict=True):
        assert np.array_equal(resumed.pixels, first.pixels)


def test_intact_images_are_the_photograph_itself(folder, goods):
    result, images = compose(folder, goods, count=20, intact_share=0.5)
    intact = [image for image in images if not image.boxes]
    assert 4 <= len(intact) == result.intact <= 16
    for image in intact:
        assert not image.mask.any()
        assert np.array_equal(image.pixels, image.original)


def test_faint_marks_get_no_box_and_are_part_of_the_picture_without_defects(folder, goods):
    wanted = {"count": 6, "intact_share": 0.9, "seed": 5, "classes": ["scratch", "inclusion"]}
    _, plain = compose(folder, goods, faint_most=0, **wanted)
    _, marked = compose(folder, goods, faint_most=6, **wanted)
    changes = []
    for before, after in zip(plain, marked, strict=True):
        if not after.boxes:
            assert np.array_equal(after.pixels, after.original) and not after.mask.any()
        changes.append(np.abs(after.original.astype(int) - before.original.astype(int)).max())
    assert max(changes) > 0, "no mark anywhere"
    assert max(changes) <= defects.FAINT * 255 + 1


def test_nothing_draws_faint_marks_where_none_are_asked_for():
    few = Spec(goods_run="x", material="steel", lighting="mixed")
    drawn = composites.faint_maker(few)
    assert drawn and (drawn.material, drawn.severity) == ("steel", composites.FAINTEST)
    assert composites.faint_maker(Spec(goods_run="x", faint_most=0)) is None
    for teacher in ("student", "copy-paste", "stable-diffusion"):
        assert composites.faint_maker(Spec(goods_run="x", teacher=teacher)) is None


def test_many_defects_unless_each_is_painted_for_seconds():
    assert Spec(goods_run="x").most == placement.MOST
    assert Spec(goods_run="x", teacher="stable-diffusion").most == placement.SLOW_MOST
    assert Spec(goods_run="x", defects_most=3).most == 3


@pytest.mark.parametrize("maker", ["renderer", "alpha", "poisson"])
def test_defects_stay_in_the_region(folder, goods, labelled, maker):
    _, images = compose(folder, goods, count=4, region="0.5 0.25 1 0.75", **makers(labelled)[maker])
    outside = ~region.rectangle("0.5 0.25 1 0.75", 120, 200)
    for image in images:
        assert not image.change[outside].any()
        assert not image.mask[outside].any()


def test_a_mask_image_marks_where_defects_may_lie(folder, goods, tmp_path):
    marked = np.zeros((60, 100, 3), np.uint8)
    marked[:, :50] = 255
    imagefiles.write(tmp_path / "region.png", marked)
    _, images = compose(folder, goods, count=3, region_file=str(tmp_path / "region.png"))
    assert sum(len(image.boxes) for image in images) > 0
    assert not any(image.change[:, 100:].any() for image in images)


def test_defects_stay_on_the_part(folder):
    parts = made(folder, *(LabelledImage(part(k), "photograph") for k in range(3)))
    result, images = compose(folder, parts, count=6, find_object=True)
    assert result.boxes >= 6
    for image in images:
        background = image.original[..., 0] > 200
        assert not image.change[background].any()


def test_a_part_is_found_before_a_plain_background_only():
    found = region.object_of(part())
    assert found is not None
    truth = part()[..., 0] < 200
    assert (found & ~truth).sum() == 0
    assert found.sum() > 0.9 * truth.sum()
    assert region.object_of(photograph(0)) is None


def test_images_are_square_where_a_size_is_asked_for(folder, goods):
    _, images = compose(folder, goods, count=2, size=96)
    assert {image.pixels.shape for image in images} == {(96, 96, 3)}


@pytest.mark.parametrize(
    ("text", "fits"),
    [("", True), ("0 0 1 1", True), ("0.1, 0.2, 0.9, 0.8", True), ("0.5 0 0.4 1", False)]
    + [(text, False) for text in ("0 0 1", "left", "0 0 1.2 1", "nan 0 1 1")],
)
def test_a_region_is_a_rectangle_in_fractions(goods, text, fits):
    values = {"goods_run": goods, "region": text}
    if fits:
        from_json(Spec, values)
    else:
        with pytest.raises(UserError, match="Region"):
            from_json(Spec, values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"size": 20}, "Size"),
        ({"classes": []}, "Classes"),
        ({"scale_least": 2.0, "scale_most": 1.0}, "Scale"),
        ({"severity_least": 0.9, "severity_most": 0.1}, "Severity"),
        ({"teacher": "student"}, "Student run"),
        ({"teacher": "copy-paste"}, "Images to cut defects from"),
        ({"teacher": "stable-diffusion", "prompts": [" "]}, "Prompts"),
    ],
)
def test_settings_that_do_not_go_together_are_named(goods, values, words):
    with pytest.raises(UserError, match=words):
        from_json(Spec, {"goods_run": goods} | values)


def test_what_cannot_be_used_is_named(folder, goods, labelled, tmp_path):
    with pytest.raises(UserError, match="free of defects"):
        compose(folder, labelled, count=1)
    with pytest.raises(UserError, match="has a label"):
        plain = made(folder, LabelledImage(photograph(0), "photograph"))
        compose(folder, goods, count=1, teacher="copy-paste", donors_run=plain)
    with pytest.raises(UserError, match="000000 has 40 × 80 px"):
        small = made(folder, LabelledImage(photograph(0, 80, 40), "photograph"))
        compose(folder, small, count=1)
    imagefiles.write(tmp_path / "black.png", np.zeros((60, 100, 3), np.uint8))
    with pytest.raises(UserError, match="no white part"):
        compose(folder, goods, count=1, region_file=str(tmp_path / "black.png"))
    imagefiles.write(tmp_path / "tall.png", np.full((100, 60, 3), 255, np.uint8))
    with pytest.raises(UserError, match="same proportions"):
        compose(folder, goods, count=1, region_file=str(tmp_path / "tall.png"))


def test_weights_that_are_missing_are_named_before_anything_is_made(folder, goods):
    with pytest.raises(UserError, match="not on this computer"):
        compose(folder, goods, count=1, teacher="stable-diffusion", model="nobody/nothing")


def proposal(pixels: np.ndarray, depth: float, **more: Any) -> Proposal:
    """A thick line that takes `depth` of full scale."""
    drawn = np.zeros(pixels.shape[:2], np.uint8)
    cv2.line(drawn, (20, 20), (90, 60), 1, 3)
    changed = pixels.astype(np.float32) / 255 - depth * drawn[..., None]
    window = slice(0, pixels.shape[0]), slice(0, pixels.shape[1])
    return Proposal(window, changed, drawn > 0, "crack", **more)


def test_a_faint_defect_is_strengthened_and_a_hidden_one_left_out():
    pixels = np.full((100, 120, 3), 150, np.uint8)
    allowed = np.ones((100, 120), bool)
    clear = settle(pixels, allowed, proposal(pixels, 0.2), 0.1)
    faint = settle(pixels, allowed, proposal(pixels, 0.05), 0.1)
    assert clear is not None and clear.gain == 1
    assert faint is not None and faint.gain == pytest.approx(2, rel=0.05)
    assert faint.contrast == pytest.approx(0.1, abs=0.01)
    assert settle(pixels, allowed, proposal(pixels, 0.01), 0.1) is None
    rough = np.random.default_rng(0).normal(128, 25, (100, 120, 3)).clip(0, 255).astype(np.uint8)
    assert settle(rough, allowed, proposal(rough, 0.03), 0.02) is None
    assert settle(pixels, allowed, proposal(pixels, 0.03), 0.02) is not None


def test_poisson_takes_gradients_and_drops_brightness():
    before = photograph(3, 60, 80).astype(np.float32) / 255
    mask = np.zeros((60, 80), bool)
    mask[20:40, 15:60] = True
    assert blending.poisson(before, before + 0.2, mask) == pytest.approx(before, abs=1e-5)
    line = np.zeros((60, 80, 1), np.float32)
    line[30, 25:50] = 0.3
    merged = blending.poisson(before, before - 0.2 - line, mask)
    assert merged == pytest.approx(before - line, abs=1e-5)


def test_a_donors_mask_is_completed_by_what_looks_alike_beside_it():
    pixels, mask = cracked(0)
    thin = cv2.erode(mask, np.ones((2, 2), np.uint8)) > 0
    ratio = donors.ratio_to(None, pixels, thin, 160)
    whole = donors.completed(ratio, thin, 160)
    assert thin.sum() < whole.sum()
    assert (whole & (mask > 0)).sum() > 0.9 * whole.sum()


def test_a_donor_with_boxes_alone_gives_its_defect_too(folder):
    pixels, mask = cracked(1)
    boxes = tuple(boxes_of(mask > 0, "crack"))
    run = made(folder, LabelledImage(pixels, "photograph", boxes))
    piece = donors.Donors(imageset.read(folder / run)).piece(0)
    assert piece is not None
    assert piece.ratio[piece.alpha > 0].mean() < 0.9


class Student:
    """Stands in for a student: a grey scene each, a dark line where the defect says."""

    size, scene_dim, paints_mask = 128, 2, True

    def draw(self, random: np.random.Generator) -> np.ndarray:
        return random.uniform(0.2, 0.8, 4).astype(np.float32)

    def paint(self, latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images, masks = [], []
        for z in latents:
            mask = np.zeros((128, 128), np.float32)
            cv2.line(mask, (20, int(128 * z[2])), (100, int(128 * z[3])), 1.0, 3)
            slope = np.linspace(0, 0.1, 128)[None, :, None]
            scene = np.full((128, 128, 3), 0.4 + 0.4 * z[0]) + slope
            images.append(((scene - 0.2 * mask[..., None]) * 255).round().astype(np.uint8))
            masks.append(mask)
        return np.stack(images), np.stack(masks)


def test_a_student_lends_its_defect_and_not_its_background(monkeypatch, tmp_path):
    monkeypatch.setattr(from_student, "Sampler", lambda folder: Student())
    maker = from_student.Painted(tmp_path, FREE)
    change, mask, _ = maker.defect(np.random.default_rng(0))
    assert change[mask > 0] == pytest.approx(-0.2, abs=0.01)
    assert not change[mask == 0].any()
    pixels = photograph(0)
    offered = maker.propose(np.random.default_rng(1), pixels, np.ones((120, 200), bool), 0.0)
    assert offered is not None
    before = pixels[offered.window].astype(np.float32) / 255
    far = cv2.dilate(offered.drawn.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    assert offered.changed[far] == pytest.approx(before[far], abs=1e-6)
    assert (offered.changed < before - 0.05)[offered.drawn].mean() > 0.5


def test_inpainting_keeps_the_photograph_and_labels_what_really_changed():
    @dataclass(frozen=True)
    class Made:
        pixels: np.ndarray
        flagged: bool = False

    def paint(seed: int, prompt: str, start: np.ndarray, mask: np.ndarray) -> Made:
        assert start.shape == (256, 256, 3) and mask.shape == (256, 256)
        change = np.where(mask > 0, 4, 0)
        change[cv2.erode(mask, np.ones((5, 5), np.uint8)) > 0] = 60
        return Made((start - np.minimum(change[..., None], start)).astype(np.uint8))

    maker = Inpainted(paint, Rendered(("crack",), "mixed", (0.5, 1.0)), ("a crack",), 256)
    pixels = photograph(0)
    allowed = np.ones((120, 200), bool)
    offered = maker.propose(np.random.default_rng(2), pixels, allowed, 0.0)
    assert offered is not None and offered.record["prompt"] == "a crack"
    done = settle(pixels, allowed, offered, 0.05)
    assert done is not None and done.gain == 1
    change = np.abs(done.pixels.astype(int) - pixels).max(2)
    assert (change[done.mask] > 0.06 * 255).mean() > 0.5
    shape = np.zeros((120, 200), bool)
    shape[offered.window] = offered.drawn
    assert done.mask.sum() < shape.sum()


def test_stable_diffusion_paints_into_the_photograph_alone(folder, goods, tmp_path):
    from tests import tiny_diffusion

    model = tiny_diffusion.make(tmp_path / "model")
    values = {"teacher": "stable-diffusion", "model": str(model), "safety_checker": False}
    values |= {"pixels": 64, "painting_steps": 2, "defects_most": 1, "count": 1, "seed": 2}
    result, (image,) = compose(folder, goods, **values)
    assert result.boxes == 1
    assert {box.source for box in image.boxes} == {"difference"}
    assert (image.change[image.mask] > 0.06 * 255).mean() > 0.5
    reach = 2 * margin(120, 200) + 3
    near = cv2.dilate(image.mask.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    assert not image.change[~near].any()


def test_defects_are_those_of_the_photographed_material(folder, goods):
    values = {"material": "cast metal", "classes": ["pit", "scratch"]}
    result, images = compose(folder, goods, count=6, **values)
    assert result.boxes >= 5
    assert {box.class_name for image in images for box in image.boxes} <= {"pit", "scratch"}
    for image in images:  # a colourless photograph stays one
        assert np.ptp(image.pixels, axis=2).max() <= 1


def test_a_defect_that_the_material_cannot_have_is_refused(goods):
    with pytest.raises(UserError, match="Classes: 'crack' does not go with material 'textile'"):
        from_json(Spec, {"goods_run": goods, "material": "textile"})

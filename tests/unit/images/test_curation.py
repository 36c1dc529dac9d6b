import json
from pathlib import Path

import numpy as np
import pytest

from backend.core import facts
from backend.images import curation, imagefiles
from backend.images.boxes import box_row
from backend.images.curation import Edit
from backend.records import Box, UserError

MADE = Box("crack", (10.0, 12.0, 30.0, 40.0), 0.7, "attention")
OTHER = Box("chip", (1.5, 2.5, 9.0, 8.0))


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A finished set of four images, 64 × 48 px, two boxes each but the last."""
    names = [f"{k:06d}" for k in range(4)]
    for name in names:
        imagefiles.write(tmp_path / f"artifacts/images/{name}.png", np.zeros((48, 64, 3), np.uint8))
    rows = [{"image": n, "path": f"artifacts/images/{n}.png", "source": "rendered"} for n in names]
    facts.write(tmp_path, "images", rows)
    boxes = [box_row(n, b) for n in names[:3] for b in (MADE, OTHER)]
    facts.write(tmp_path, "boxes", boxes)
    return tmp_path


def boxes_of(run_folder: Path, image: str) -> list[tuple]:
    rows = curation.boxes(run_folder)
    mine = rows[rows["image"] == image]
    return [
        (r.class_name, (r.x1, r.y1, r.x2, r.y2), r.confidence, r.source) for r in mine.itertuples()
    ]


def test_without_decisions_a_set_is_as_it_was_made(run_folder):
    images, boxes = curation.kept(run_folder)
    assert list(images["image"]) == ["000000", "000001", "000002", "000003"]
    assert set(images["verdict"]) == {""}
    assert boxes.equals(facts.read(run_folder, "boxes"))


def test_rejected_images_are_seen_but_not_kept_and_deleted_ones_are_neither(run_folder):
    curation.record(run_folder, "1 rejected", [Edit("000001", "rejected")])
    curation.record(run_folder, "1 deleted", [Edit("000002", "deleted")])
    assert list(curation.images(run_folder)["verdict"]) == ["", "rejected", ""]
    assert set(curation.boxes(run_folder)["image"]) == {"000000", "000001"}
    images, boxes = curation.kept(run_folder)
    assert list(images["image"]) == ["000000", "000003"]
    assert set(boxes["image"]) == {"000000"}


def test_only_changed_boxes_become_boxes_by_hand(run_folder):
    moved = Box("chip", (2.0, 2.5, 9.0, 8.0), 1.0, "exact")
    curation.record(run_folder, "boxes of 000000", [Edit("000000", boxes=(MADE, moved))])
    assert boxes_of(run_folder, "000000") == [
        ("crack", MADE.xyxy, 0.7, "attention"),
        ("chip", moved.xyxy, 1.0, "hand"),
    ]
    assert boxes_of(run_folder, "000001")[0][3] == "attention"


def test_a_box_drawn_on_top_of_an_equal_one_is_by_hand(run_folder):
    curation.record(run_folder, "twice", [Edit("000000", boxes=(MADE, MADE))])
    assert [source for *_, source in boxes_of(run_folder, "000000")] == ["attention", "hand"]


def test_an_image_without_boxes_can_get_some_and_all_can_be_taken_away(run_folder):
    curation.record(run_folder, "drawn", [Edit("000003", boxes=(OTHER,))])
    curation.record(run_folder, "emptied", [Edit("000000", boxes=())])
    assert [source for *_, source in boxes_of(run_folder, "000003")] == ["hand"]
    assert boxes_of(run_folder, "000000") == []


def test_boxes_by_hand_work_in_a_set_that_had_none(run_folder):
    facts.write(run_folder, "boxes", [])
    curation.record(run_folder, "drawn", [Edit("000002", boxes=(OTHER,))])
    assert curation.boxes(run_folder)["x2"].tolist() == [9.0]


def test_a_class_becomes_another_in_the_chosen_images_alone(run_folder):
    edits = curation.relabelled(run_folder, ["000000", "000003"], "crack", "scratch")
    curation.record(run_folder, "relabelled", edits)
    assert [row[0] for row in boxes_of(run_folder, "000000")] == ["scratch", "chip"]
    assert boxes_of(run_folder, "000000")[1][3] == "exact", "the other box stays as it was"
    assert [row[0] for row in boxes_of(run_folder, "000001")] == ["crack", "chip"]
    curation.undo(run_folder)
    assert [row[0] for row in boxes_of(run_folder, "000000")] == ["crack", "chip"]


def test_the_boxes_of_a_class_go_where_no_other_is_named(run_folder):
    names = ["000000", "000001"]
    curation.record(run_folder, "gone", curation.relabelled(run_folder, names, "chip", ""))
    assert [row[0] for name in names for row in boxes_of(run_folder, name)] == ["crack", "crack"]


def test_a_class_that_is_not_there_cannot_become_another(run_folder):
    with pytest.raises(UserError, match="box of class 'dent'"):
        curation.relabelled(run_folder, ["000000"], "dent", "crack")


def test_an_image_is_shown_by_the_name_it_was_imported_under(run_folder):
    rows = facts.read(run_folder, "images")
    named = [json.dumps({"file": "line 3/IMG_0412"}), None, None, None]
    facts.write(run_folder, "images", rows.assign(params=named))
    shown = ["line 3/IMG_0412", "000001", "000002", "000003"]
    assert list(curation.images(run_folder)["shown"]) == shown


def test_a_test_image_is_corrected_in_the_set_it_was_taken_from(tmp_path):
    path = "../20260101T000000-generate-aaaaaa/artifacts/images/000007.png"
    home = curation.home_of(tmp_path / "runs" / "detector", path)
    assert home == ("20260101T000000-generate-aaaaaa", "000007")
    assert curation.home_of(tmp_path / "runs" / "detector", "/elsewhere/000007.png") is None


def test_a_tag_is_found_again_and_changes_nothing_else(run_folder):
    curation.record(run_folder, "tagged", [Edit("000001", "kept"), Edit("000001", tag=" shift 2 ")])
    assert list(curation.images(run_folder)["tag"]) == ["", "shift 2", "", ""]
    assert curation.verdicts(run_folder) == {"000001": "kept"}
    curation.record(run_folder, "tag away", [Edit("000001", tag="")])
    assert set(curation.images(run_folder)["tag"]) == {""}
    with pytest.raises(UserError, match="is no tag"):
        curation.record(run_folder, "too long", [Edit("000001", tag="x" * 80)])


def test_undo_takes_back_one_action_after_the_other_and_names_it(run_folder):
    curation.record(run_folder, "2 rejected", [Edit(n, "rejected") for n in ("000000", "000001")])
    curation.record(run_folder, "1 kept", [Edit("000000", "kept")])
    assert curation.newest(run_folder) == "1 kept"
    assert curation.undo(run_folder) == "1 kept"
    assert curation.verdicts(run_folder) == {"000000": "rejected", "000001": "rejected"}
    assert curation.undo(run_folder) == "2 rejected"
    assert curation.verdicts(run_folder) == {}
    assert curation.undo(run_folder) == "" == curation.newest(run_folder)


def test_an_action_after_an_undo_is_the_next_to_be_taken_back(run_folder):
    curation.record(run_folder, "first", [Edit("000000", "kept")])
    curation.undo(run_folder)
    curation.record(run_folder, "second", [Edit("000001", "kept")])
    assert curation.undo(run_folder) == "second"
    assert curation.verdicts(run_folder) == {}


def test_an_empty_verdict_takes_the_earlier_one_away(run_folder):
    curation.record(run_folder, "1 rejected", [Edit("000000", "rejected")])
    curation.record(run_folder, "1 cleared", [Edit("000000", "")])
    assert curation.verdicts(run_folder) == {}


def test_a_verdict_leaves_boxes_and_boxes_leave_the_verdict(run_folder):
    curation.record(run_folder, "boxes", [Edit("000000", boxes=(OTHER,))])
    curation.record(run_folder, "1 kept", [Edit("000000", "kept")])
    curation.record(run_folder, "boxes", [Edit("000000", boxes=(MADE, OTHER))])
    assert curation.verdicts(run_folder) == {"000000": "kept"}
    assert len(boxes_of(run_folder, "000000")) == 2


def test_a_line_cut_short_costs_that_action_alone(run_folder):
    curation.record(run_folder, "1 kept", [Edit("000000", "kept")])
    with (run_folder / curation.JOURNAL).open("a", encoding="utf-8") as file:
        file.write('{"words": "1 rej')
    assert curation.verdicts(run_folder) == {"000000": "kept"}
    curation.record(run_folder, "1 rejected", [Edit("000001", "rejected")])
    assert curation.verdicts(run_folder) == {"000000": "kept", "000001": "rejected"}
    assert curation.undo(run_folder) == "1 rejected"


def test_the_run_itself_is_left_as_it_was(run_folder):
    before = {p: p.read_bytes() for p in run_folder.rglob("*") if p.is_file()}
    curation.record(run_folder, "boxes", [Edit("000000", "deleted", boxes=(OTHER,))])
    assert all(p.read_bytes() == content for p, content in before.items())
    line = json.loads((run_folder / curation.JOURNAL).read_text(encoding="utf-8"))
    assert line["words"] == "boxes"
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Edit("000009", "kept"), "no image '000009'"),
        (Edit("000000", "good"), "no verdict"),
        (Edit("000000", boxes=(Box("crack", (40, 10, 65, 20)),)), "outside 64 × 48"),
        (Edit("000000", boxes=(Box("crack", (-1, 10, 20, 20)),)), "outside 64 × 48"),
        (Edit("000000", boxes=(Box("crack", (float("nan"), 1, 20, 20)),)), "outside"),
        (Edit("000000", boxes=(Box("crack", (10, 10, 10.5, 20)),)), "smaller than 1 px"),
        (Edit("000000", boxes=(Box("crack", (20, 10, 10, 20)),)), "smaller than 1 px"),
        (Edit("000000", boxes=(Box("c" * 65, (1, 1, 9, 9)),)), "no class name"),
        (Edit("000000", boxes=(Box("  ", (1, 1, 9, 9)),)), "no class name"),
        (Edit("000000", boxes=(Box("a\nb", (1, 1, 9, 9)),)), "no class name"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(run_folder, edit, words):
    with pytest.raises(UserError, match=words):
        curation.record(run_folder, "words", [Edit("000001", "kept"), edit])
    assert curation.verdicts(run_folder) == {}

"""Labels of parts corrected by hand: what later models learn from."""

import pytest

from backend.core import facts
from backend.images import curation
from backend.inspection.parts import relabelling
from backend.inspection.parts.crops import made_parts, read_parts
from backend.records import UserError


@pytest.fixture
def run_folder(tmp_path):
    """Four parts, the first two GOOD."""
    rows = [
        {"part": name, "path": f"{name}.png", "feature": "dots", "label": label, "group": name}
        for name, label in zip("abcd", (1, 1, 0, 0), strict=True)
    ]
    facts.write(tmp_path, "parts", rows)
    return tmp_path


def labels(run_folder) -> dict[str, int]:
    rows = read_parts(run_folder)
    return dict(zip(rows["part"], rows["label"], strict=True))


def test_without_decisions_parts_are_as_they_were_made(run_folder):
    assert read_parts(run_folder).equals(made_parts(run_folder))


def test_a_part_gets_the_label_that_a_person_gave_it_and_undo_takes_it_back(run_folder):
    assert relabelling.record(run_folder, "b", "BAD") == "b BAD"
    assert labels(run_folder) == {"a": 1, "b": 0, "c": 0, "d": 0}
    assert curation.undo(run_folder) == "b BAD"
    assert labels(run_folder) == {"a": 1, "b": 1, "c": 0, "d": 0}


def test_a_part_left_out_is_not_learned_from_but_still_known(run_folder):
    relabelling.record(run_folder, "c", relabelling.LEFT_OUT)
    assert set(labels(run_folder)) == {"a", "b", "d"}
    assert list(made_parts(run_folder)["part"]) == ["a", "b", "c", "d"]
    relabelling.record(run_folder, "c", relabelling.AS_MADE)
    assert labels(run_folder)["c"] == 0
    assert relabelling.decided(run_folder) == {}


def test_what_cannot_be_is_refused(run_folder):
    with pytest.raises(UserError, match="no part 'x'"):
        relabelling.record(run_folder, "x", "GOOD")
    with pytest.raises(UserError, match="GOOD, BAD and left out"):
        relabelling.record(run_folder, "a", "FINE")

"""A star, tags and a note on a run, and runs found again by words."""

import pytest

from backend.core.store import Store, signature
from backend.records import UserError
from backend.settings import Settings
from backend.sharing import marks, search
from backend.sharing.marks import Mark
from tests.sharing_runs import made


def test_the_last_mark_of_a_run_counts(storage: Settings) -> None:
    marks.put(storage.storage, "a", Mark(True, ("#Press 3", "press 3", " "), " look here "), "Ada")
    found = marks.every(storage.storage)["a"]
    assert (found.star, found.tags, found.note, found.who) == (
        *(True, ("press 3",), "look here", "Ada"),
    )
    assert found.words == "★ #press 3"
    marks.put(storage.storage, "a", Mark(), "Ben")
    assert marks.every(storage.storage)["a"].words == ""


@pytest.mark.parametrize(
    "mark", (Mark(tags=("x" * 31,)), Mark(tags=tuple(map(str, range(13)))), Mark(note="x" * 2001))
)
def test_what_is_too_long_is_refused_and_nothing_kept(storage: Settings, mark: Mark) -> None:
    with pytest.raises(UserError, match=r"at most|At most"):
        marks.put(storage.storage, "a", mark, "Ada")
    assert marks.every(storage.storage) == {}


@pytest.mark.parametrize(
    ("words", "names"),
    (
        *(("", {"alpha", "beta"}), ("ALPHA", {"alpha"}), ("latency", {"alpha", "beta"})),
        *(("9876", {"beta"}), ("urgent", {"alpha"}), ("#urgent alp", {"alpha"})),
        *(("customer", {"beta"}), ("alpha customer", set()), ("%", set())),
    ),
)
def test_a_run_is_found_by_name_setting_kind_tag_and_note(
    storage: Settings, store: Store, words: str, names: set[str]
) -> None:
    alpha = made(storage.storage, "latency", {}, name="alpha")
    beta = made(storage.storage, "latency", {}, name="beta", repetitions=9876)
    for run in (alpha, beta):
        store.ingest(run, signature(run.folder))
    marked = {alpha.id: Mark(tags=("urgent",)), beta.id: Mark(note="For the customer")}
    assert set(search.found(store, marked, words)["name"]) == names

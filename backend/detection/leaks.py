"""Is a test image among the training images, or behind them? Then its figures mean nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path

import numpy as np

from backend.core import aside, facts, lineage, runs
from backend.core.runs import Run
from backend.images import duplicates, imagefiles, pictures
from backend.images.aside import left_out
from backend.images.duplicates import Prints
from backend.images.labelled_image import LabelledImage, LabelledSet
from backend.records import UserError

JUDGED = ("test_run", "without_runs")  # settings that name test images, which are not trained on
NAMED = 3  # pairs that an error spells out


@dataclass(frozen=True)
class Leak:
    """A training image that is a test image (same), or looks like one. holder: id of the run it
    is in, the data set itself or one behind it."""

    training: Path
    test: str
    same: bool
    holder: str


@dataclass
class TestPrints:
    """What training images are compared with: test images, by hash and by likeness.

    Same: equal pixels, the test image also at the sizes of square training images. Alike: see
    `backend.images.duplicates`.
    """

    images: Sequence[LabelledImage]
    _names: dict[str, str] = field(default_factory=dict)
    _sizes: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        greys = []
        for image in self.images:
            pixels = image.read_rgb()
            greys.append(duplicates.grey(pixels))
            self._names[duplicates.digest(pixels)] = image.name
        self._prints = Prints.of(np.stack(greys))

    def find(self, pixels: np.ndarray) -> tuple[str, bool] | None:
        """The test image that a picture uint8 [H, W, 3] is (True) or looks like; None: neither."""
        height, width = pixels.shape[:2]
        if height == width:
            self._add(height)
        name = self._names.get(duplicates.digest(pixels))
        if name is not None:
            return name, True
        near = Prints.of(duplicates.grey(pixels)[None]).alike(self._prints)[0]
        return (self.images[int(near.argmax())].name, False) if near.any() else None

    def _add(self, size: int) -> None:
        """Know the test images at this edge length too."""
        if size not in self._sizes:
            self._sizes.add(size)
            for image in self.images:
                shown = pictures.resized(image.read_rgb(), size)
                self._names[duplicates.digest(shown)] = image.name


def search(images: Sequence[LabelledImage], dataset: Path) -> list[Leak]:
    """Training images that are or look like test images, at most one test image each.

    Compared with the data set's images and, unless they were rendered, those of every run behind
    it.
    """
    prints, found = TestPrints(images), []
    for path, holder in _training_pictures(dataset):
        leak = prints.find(imagefiles.read_rgb(path))
        if leak:
            found.append(Leak(path, *leak, holder))
    return found


def _training_pictures(dataset: Path) -> list[tuple[Path, str]]:
    """Images of a data set and, unless they were rendered, those of every run behind it, each with
    its run: what a student learned from, and the photographs on which defects were placed.

    Raises Shortage where one is archived elsewhere: it is brought back before anybody can say."""
    found = [(dataset / path, dataset.name) for path in facts.read(dataset, "images")["path"]]
    for folder, away in _behind(dataset):
        rows = facts.read(folder, "images")
        rows = rows[(rows["source"] != "rendered") & ~rows["image"].isin(away)]
        for column in ("path", "background_path"):
            found += [(folder / path, folder.name) for path in rows[column].dropna()]
    return [(path, holder) for path, holder in found if runs.holds(path)]


def _behind(folder: Path) -> list[tuple[Path, set[str]]]:
    """The runs with images from which this run was made, near and far, each with the names of its
    images that every run made from it left out, as they were put aside for tests.

    Raises UserError where one is damaged; what was deleted cannot be looked at, which the log says.
    """
    asked = runs.asked_for(folder)
    chain, found = [asked], []
    for one in lineage.ancestors(asked, JUDGED):
        if one.problem == lineage.DAMAGED:
            raise UserError(
                f"Run {one.id}, which is behind the training images, is damaged, so nobody can say "
                "whether it holds a test image. Restore it from a backup."
            )
        if one.run is None:
            print(f"Run {one.id} {one.problem}: its images are not compared with test images.")
            continue
        chain.append(one.run)
        if facts.count(one.run.folder, "images"):
            found.append(one.run.folder)
    return [(one, left_out(one, _known_to_all(one.name, chain))) for one in sorted(found)]


def _known_to_all(run_id: str, chain: Iterable[Run]) -> set[str]:
    """The test sets that every run of the chain made from this one left out."""
    takers = [run for run in chain if run_id in lineage.parents(run, JUDGED)]
    finished = set(aside.finished(takers[0].folder.parent))
    return reduce(set.intersection, (set(aside.known(run.folder)) for run in takers), finished)


def refuse_leaks(
    test: LabelledSet, datasets: Sequence[Path], out_dir: Path, near: str = "refuse"
) -> int:
    """The number of training images that look like a test image, which `near` = report allows.

    Writes the facts table `leaks`: each of them. Raises UserError where a training image, or a
    photograph behind one, is a test image, and with `near` = refuse also where it is a
    near-duplicate of one.
    """
    found = [leak for dataset in datasets for leak in search(test.images, dataset)]
    facts.write(out_dir, "leaks", [_row(leak) for leak in found])
    refused = [leak for leak in found if leak.same or near == "refuse"]
    for leak in refused:
        print(f"{leak.training} {'is' if leak.same else 'looks like'} test image {leak.test}")
    if refused:
        raise UserError(_words(refused, {path.name for path in datasets}))
    return len(found)


def _row(leak: Leak) -> dict[str, object]:
    told = {"training": leak.training.name, "test": leak.test}
    return told | {"same": leak.same, "holder": leak.holder}


def _words(refused: Sequence[Leak], datasets: set[str]) -> str:
    """How many test images were found where, and what can be done."""
    same = [f"{leak.training.name} is test image {leak.test}" for leak in refused if leak.same]
    alike = [f"{leak.training.name} and {leak.test}" for leak in refused if not leak.same]
    told = [f"{len(same)} training images are test images: {_some(same)}"] if same else []
    if alike:
        told.append(
            f"{len(alike)} training images are near-duplicates of test images: {_some(alike)} "
            "Only where different parts look alike under a fixed camera, choose near duplicates = "
            "report."
        )
    behind = sorted({leak.holder for leak in refused} - datasets)
    if behind:
        told.append(
            f"Some lie behind the data set, in {', '.join(behind)}: what was made from that has to "
            "be made again, from images without them."
        )
    return " ".join([*told, "Take them out of what is trained on; the log names all."])


def _some(pairs: Sequence[str]) -> str:
    return ", ".join(pairs[:NAMED]) + (" …" if len(pairs) > NAMED else ".")

"""The photographs below composites: a composite shows the specimen that it was made on."""

from collections.abc import Callable, Sequence

from backend.composites.spec import Spec as CompositeSpec
from backend.core import facts, lineage, runs
from backend.core.runs import Run
from backend.detection.leaks import TestPrints
from backend.images import imageset
from backend.images.labelled_image import LabelledImage, opened
from backend.images.vocabulary import BELOW


class Below:
    """A study's photographs, to be found again below its synthetic images."""

    def __init__(self, photographs: Sequence[LabelledImage]):
        self._prints = TestPrints(photographs) if photographs else None
        self._groups = {image.name: image.group for image in photographs}

    def groups(self, run: Run) -> Callable[[LabelledImage], str]:
        """Gives the group of the photograph below an image of the run, "" where it is none of
        these: found by the pixels of what the composites were made on, else by its specimen's name.
        """
        goods, known = _goods(run) if self._prints else {}, dict[str, str]()

        def group(image: LabelledImage) -> str:
            name = str(image.origin.params.get(BELOW, ""))
            if name not in known:
                good = goods.get(name)
                known[name] = self._same(good) if good else ""
            named = image.group if name and image.group in self._groups.values() else ""
            return known[name] or named

        return group

    def _same(self, good: LabelledImage) -> str:
        """The group of the photograph with the same pixels, also where it was made smaller."""
        assert self._prints
        for layer in (good.origin.full, good.data):
            found = self._prints.find(opened(layer)) if layer is not None else None
            if found and found[1]:
                return self._groups[found[0]]
        return ""


def _goods(run: Run) -> dict[str, LabelledImage]:
    """What a run's composites were made on, by name; nothing of other runs, or of one deleted."""
    behind = (one.run for one in lineage.ancestors(run))
    made = next((one for one in (run, *behind) if one and one.kind == "composite"), None)
    named = runs.spec(made, CompositeSpec).goods_run if made else ""
    folder = run.folder.parent / named
    if not named or not (folder / "result.json").exists():
        return {}
    rows = facts.read(folder, "images"), facts.read(folder, "boxes")
    return {image.name: image for image in imageset.from_rows(folder, *rows)}

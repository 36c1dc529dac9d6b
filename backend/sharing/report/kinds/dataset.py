"""A data set in a report: what is in it, and what it looks like."""

from collections.abc import Iterator

from backend.core import runs
from backend.core.runs import Run
from backend.detection.dataset.spec import Result
from backend.images import curation, marks, palette
from backend.plots import detection as plots
from backend.sharing.report import tiles
from backend.sharing.report.items import Chart, Item, Picture
from backend.wording import counted

SHOWN = 24  # images


def said(run: Run) -> Iterator[str]:
    """How much there is."""
    result = runs.result(run, Result)
    yield (
        f"{counted(result.training, 'image')} to learn from, {result.validation} to choose the "
        f"confidence by; {result.empty} show a good part. Labels: {result.labels}."
    )
    yield f"From: {result.source}. Version {result.hash or 'unknown'}."


def items(run: Run) -> Iterator[Item]:
    """Sources, classes, sizes, pictures with their boxes."""
    images, boxes = curation.images(run.folder), curation.boxes(run.folder)
    counts = images.groupby(["source", "split"]).size().reset_index(name="images")
    yield Chart("1-sources", "Where images come from", "", plots.per_source(images), counts)
    if boxes.empty:
        return
    colours = palette.colours(boxes["class_name"])
    classes = boxes.groupby(["class_name", "source"]).size().reset_index(name="boxes")
    yield Chart("2-classes", "Classes", "", plots.per_class(boxes, colours), classes)
    yield Chart("3-sizes", "How large the boxes are", "", plots.box_sizes(boxes), boxes)
    by_image = dict(list(boxes.groupby("image")))
    found = []
    for place in tiles.spread(len(images), SHOWN):
        row = images.iloc[place]
        mine = by_image.get(row["image"], boxes.iloc[:0])
        drawn = marks.of_boxes(mine, colours, (1.0, 1.0))
        found.append(tiles.marked(run.folder / str(row["path"]), drawn))
    sheet = tiles.tiled([one for one in found if one is not None])
    if sheet is not None:
        words = "With their boxes. Taken evenly over the set, not chosen."
        yield Picture("4-pictures", "Images", words, sheet)


def limits(run: Run) -> Iterator[str]:
    """Nothing beyond what was noticed."""
    return iter(())

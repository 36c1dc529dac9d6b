"""What a detector drew on photographs that nobody labelled, on its page."""

from dataclasses import replace

import numpy as np
import pytest

from backend.core import runs
from backend.images import imageset
from backend.images.labelled_image import LabelledImage, Marks
from backend.records import Box, RunState
from pages.ui import resources
from tests.pages.test_pages import is_well, open_page, words

pytestmark = pytest.mark.xdist_group("tiny")


def test_what_was_drawn_and_how_sure_it_is_stands_first(empty_dashboard):
    run = runs.create(resources.supervisor().settings.runs, "pseudo-label", {}, name="by itself")
    pixels = np.full((32, 32, 3), 90, np.uint8)
    box = Box("crack", (4.0, 4.0, 20.0, 20.0), 0.9, source="detector")

    def picture(k):
        made = LabelledImage(pixels, "photograph", (box,) if k else ())
        return made if k else replace(made, marks=Marks.UNKNOWN)

    imageset.write(run.folder, 2, picture, lambda *_, **__: None)
    result = {"images": 2, "without": 1, "boxes": 1, "confidence": 0.8}
    result |= {"precision": 0.92, "validation_boxes": 24}
    runs.finish(run.folder, RunState.COMPLETED, result=result)
    resources.owner().tick()
    app = open_page("pages/labels/by_detector.py", run=run.id)
    is_well(app)
    said = words(app)
    assert "1 photograph without one stay" in said or "stay unlabelled" in said
    assert "92 % fitted" in said

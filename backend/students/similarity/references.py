"""The sets that a student's samples are held against: images of its teacher that it never saw."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backend.core import runs, specs
from backend.core.runs import Run
from backend.images import pictures
from backend.images.measures import Images
from backend.records import Progress, UserError
from backend.teachers.generate import rendered
from backend.teachers.generate.spec import Spec as TeacherSpec

FRESH, HALF = "fresh teacher images", "other half of the teacher images"
FAR = 2**30  # from a teacher's seeds to those of fresh images


@dataclass(frozen=True)
class Reference:
    """real: what samples are compared with. control: as many images that are as good as real.
    name: what the control is; fresh: neither set was learned from."""

    real: Images
    control: Images
    name: str

    @cached_property
    def features(self) -> NDArray[np.float64]:
        """`kid.features` of the real images."""
        from backend.images import kid

        return kid.features(self.real)

    @property
    def fresh(self) -> bool:
        return self.name == FRESH


def of_teacher(
    run: Run, images: Images, count: int, seed: int, progress: Progress, span: tuple[float, float]
) -> Reference:
    """Two sets of `count` fresh images where the renderer is the teacher; else the halves of its
    images [N, S, S, 3]. span: the fractions of the job between which this lies."""
    if run.kind == "generate" and runs.spec(run, TeacherSpec).teacher == "renderer":
        try:
            made = _rendered(run, images.shape[1], 2 * count, progress, span)
            return Reference(made[:count], made[count:], FRESH)
        except UserError:
            pass  # its settings are those of another version: take the halves
    order = np.random.default_rng(seed).permutation(len(images))
    half = len(images) // 2
    return Reference(images[order[:half]], images[order[half:]], HALF)


def _rendered(
    run: Run, size: int, count: int, progress: Progress, span: tuple[float, float]
) -> Images:
    spec = specs.from_json(TeacherSpec, run.spec)
    first = spec.seed + FAR if spec.seed < FAR else spec.seed - FAR
    make = rendered.maker(spec, first, spec.size, spec.intact_share)
    made = []
    for index in range(count):
        made.append(pictures.resized(make(index).read_rgb(), size))
        done = span[0] + (span[1] - span[0]) * (index + 1) / count
        progress(done, f"fresh teacher image {index + 1} of {count}")
    return np.stack(made)

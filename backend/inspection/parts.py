"""Parts: crops of printed features with a GOOD/BAD label, simulated or imported, and checked.

An import reads a `metadata.csv` as FTI_Zer0P (Zenodo 11444566) has it, MVTec AD folders, or plain
GOOD and BAD folders; from full pictures a detector may cut the parts first, as source B does.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from backend import facts, imagefiles
from backend.inspection import lookalikes, part_sources
from backend.inspection.checks import copies, findings, measures
from backend.inspection.importing import reading
from backend.inspection.part_sources import Taken
from backend.records import Label, Progress, UserError
from backend.specs import param

COLUMNS = (
    *("part", "path", "feature", "label", "group", "defect"),
    *("image", "x1", "y1", "x2", "y2", "mask_path", "excess", "area", "given_group"),
)
CHECKED = (
    *("part", "width", "height", "brightness", "contrast", "sharpness"),
    *("digest", "copy_of", "near_group", "leak"),
)
Crops = NDArray[np.uint8]
SIMULATED = ("source", ("simulator",))
IMPORTED = ("source", ("folder", "crops"))
DETECTED = ("source", ("crops",))


@dataclass(frozen=True)
class Spec:
    """Where the parts come from."""

    source: str = param(
        "simulator",
        "simulator: rendered inkjet prints, no download; folder: your own pictures of single "
        "parts; crops: full pictures in which a detector finds the parts",
        choices=("simulator", "folder", "crops"),
    )
    folder: str = param(
        "",
        "folder or zip with a metadata.csv (file_name, feature, label: 1 GOOD, 0 BAD; optionally "
        "group, defect and the box x1, y1, x2, y2), MVTec AD folders, or folders good and bad",
        path="folder",
        upload=(".zip",),
        when=IMPORTED,
    )
    layout: str = param(
        "auto", "how the labels are given; auto finds out", choices=reading.LAYOUTS, when=IMPORTED
    )
    detector_run: str = param(
        "", "your own detector that finds the parts", run="detector", optional=True, when=DETECTED
    )
    detector_file: str = param(
        "",
        "a YOLO .pt instead; its class names are the feature types",
        path="file",
        optional=True,
        when=DETECTED,
    )
    confidence: float = param(
        0.25, "how sure the detector must be of a part", lo=0.01, hi=1, when=DETECTED
    )
    detector_size: int = param(
        640,
        "edge length at which the YOLO file looks, px; an own detector has its own",
        lo=64,
        hi=4096,
        when=DETECTED,
        advanced=True,
    )
    margin: float = param(
        0.1, "space around a box, as a share of its longer side", lo=0, hi=1, when=IMPORTED
    )
    skip_unreadable: bool = param(
        False, "leave out pictures that cannot be read instead of stopping", when=IMPORTED
    )
    group_lookalikes: bool = param(
        False,
        "groups that share a copy or a look-alike become one, so that no fold learns from a part "
        "and is judged on its twin; the names given are kept beside",
    )
    scale: float = param(0.3, "share of source B's 1,327 parts", lo=0.02, hi=1.0, when=SIMULATED)
    severity: float = param(1.0, "size of the defects", lo=0.2, hi=3.0, when=SIMULATED)
    size: int = param(128, "edge of a crop, px", lo=64, hi=512, when=SIMULATED)
    seed: int = param(0, "another seed gives other parts", lo=0, hi=1_000_000, when=SIMULATED)

    def check(self) -> None:
        if self.source == "crops" and bool(self.detector_run) == bool(self.detector_file):
            raise UserError(
                "Detector: choose a detector run, or name a YOLO file, one of the two. To import "
                "pictures of single parts, choose the source 'folder'."
            )


@dataclass(frozen=True)
class Result:
    """counts: feature -> [GOOD, BAD]. duplicates: images that occur in more than one group.

    alike: parts that look almost the same as one of another group. joined: groups as given that
    are one with another for their parts look alike. left_out: pictures, or parts of them, that
    were not taken in. problems: checks that found one. lookalikes: what the copies and
    look-alikes mean for every figure that rests on these parts, "" where there are none.
    """

    n: int
    n_good: int
    n_bad: int
    features: tuple[str, ...]
    counts: dict[str, list[int]]
    groups: int
    duplicates: int
    alike: int
    joined: int
    left_out: int
    problems: int
    layout: str
    source: str
    lookalikes: str
    notes: tuple[str, ...]


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Simulate or import the parts and check them.

    Writes the facts tables `parts`, `part_checks`, `part_findings`, `left_out` and `figures`.
    """
    progress(0.0, "preparing")
    taken = part_sources.take(spec, out_dir, progress)
    rows, greys = [], []
    for row, pixels in taken.parts:
        rows.append(row | measures.of(pixels))
        greys.append(measures.small_grey(pixels))
    _refuse_none(rows, taken)
    progress(0.92, "looking for copies")
    frame = _with_copies(pd.DataFrame(rows), np.stack(greys), spec.group_lookalikes)
    return _reported(spec, out_dir, frame, taken)


def _refuse_none(rows: list[dict[str, Any]], taken: Taken) -> None:
    if any(row["label"] == Label.GOOD for row in rows):
        return
    left = len(taken.unreadable) + len(taken.unfound)
    raise UserError(
        f"No GOOD part is left: {left} pictures are left out, {len(rows)} BAD parts remain. Look "
        "at the files, at the detector's class names, or lower its confidence."
    )


def _with_copies(frame: pd.DataFrame, greys: np.ndarray, join: bool) -> pd.DataFrame:
    """The parts with their copies and look-alikes; `join`: their groups are made one."""
    frame = frame.reindex(columns=list(dict.fromkeys((*COLUMNS, *CHECKED))))
    frame = frame.assign(
        copy_of=copies.exact(frame["digest"], frame["part"]),
        near_group=copies.near(greys, frame["feature"]),
        given_group=frame["group"],
    )
    if join:
        frame = frame.assign(group=copies.joined(frame))
    copied, alike = copies.torn(frame)
    return frame.assign(leak=copied | alike)


def _reported(spec: Spec, out_dir: Path, frame: pd.DataFrame, taken: Taken) -> Result:
    figures = findings.tell_tales(frame)
    without = len({one.file for one in taken.unfound})
    found = findings.find(frame, figures, len(taken.unreadable), without)
    left_out = [asdict(one) for one in (*taken.unreadable, *taken.unfound)]
    facts.write(out_dir, "parts", frame[list(COLUMNS)])
    facts.write(out_dir, "part_checks", frame[list(CHECKED)])
    facts.write(out_dir, "part_findings", [asdict(one) for one in found])
    facts.write(out_dir, "left_out", left_out)
    facts.write(out_dir, "figures", figures)
    return _summary(spec, frame, taken, found)


def _summary(
    spec: Spec, frame: pd.DataFrame, taken: Taken, found: list[findings.Finding]
) -> Result:
    good = frame["label"] == int(Label.GOOD)
    table = good.groupby(frame["feature"]).agg(["sum", "count"])
    counts = {
        str(f): [int(g), int(n - g)]
        for f, (g, n) in zip(table.index, table.to_numpy(), strict=True)
    }
    copied, alike = (int(torn.sum()) for torn in copies.torn(frame))
    told = (f.words for f in found if f.level != findings.OK or f.subject == findings.JOINED)
    return Result(
        n=len(frame),
        n_good=int(good.sum()),
        n_bad=int((~good).sum()),
        features=tuple(counts),
        counts=counts,
        groups=int(frame["group"].nunique()),
        duplicates=copied,
        alike=alike,
        joined=findings.joined_groups(frame)[0],
        left_out=len(taken.unreadable) + len(taken.unfound),
        problems=sum(one.level == findings.PROBLEM for one in found),
        layout=taken.layout,
        source="simulated (rendered, not real)" if spec.source == "simulator" else spec.folder,
        lookalikes=lookalikes.words(copied, alike),
        notes=(*taken.notes, *told),
    )


def load(run_folder: Path) -> pd.DataFrame:
    """The parts of a run with the columns `COLUMNS`, in a fixed order."""
    return facts.read(run_folder, "parts").sort_values("part").reset_index(drop=True)


def read_crops(frame: pd.DataFrame, run_folder: Path, size: int) -> Crops:
    """RGB crops [N, size, size, 3] of the parts in `frame`, area-averaged where they shrink."""
    crops = [read_crop(run_folder / path, size) for path in frame["path"]]
    return np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)


def read_crop(path: Path, size: int) -> Crops:
    """One RGB crop [size, size, 3]. Raises UserError where the file is gone or damaged."""
    if not path.is_file():
        raise UserError(f"{path} is gone. Put the image back or import the parts again.")
    image = Image.fromarray(imagefiles.read_rgb(path))
    if image.size != (size, size):
        shrinks = min(image.size) >= size
        way = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
        image = image.resize((size, size), way)
    return np.asarray(image, dtype=np.uint8)

"""Where parts come from: the simulator, or the user's own pictures."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.core import runs
from backend.images import imagefiles
from backend.inspection.parts.importers import crop_reader, detect
from backend.inspection.parts.importers.crop_reader import LeftOut, Part
from backend.inspection.parts.spec import Spec
from backend.records import Progress


@dataclass
class Taken:
    """What a source gives: its parts one after the other, and what was learnt on the way."""

    parts: Iterator[Part]
    layout: str
    notes: list[str] = field(default_factory=list)
    unreadable: list[LeftOut] = field(default_factory=list)
    unfound: list[LeftOut] = field(default_factory=list)


def take(spec: Spec, out_dir: Path, progress: Progress) -> Taken:
    """The parts a spec names; each is made, or read, when it is asked for."""
    made = _simulated if spec.source == "simulator" else _imported
    return made(spec, out_dir, progress)


def _simulated(spec: Spec, out_dir: Path, progress: Progress) -> Taken:
    from backend.inspection.parts.simulator import plan, simulate_part

    planned = plan(spec.scale, spec.seed)

    def parts() -> Iterator[Part]:
        for i, (feature, label, group, seed) in enumerate(planned):
            part = simulate_part(feature, label, seed, spec.size, spec.severity)
            name = f"{i:05d}-{feature}"
            row: dict[str, Any] = {
                "part": name,
                "path": f"artifacts/crops/{name}.png",
                "feature": feature,
            }
            row |= {"label": int(label), "group": group, "defect": part.defect}
            imagefiles.write(out_dir / row["path"], part.image)
            if part.defect:
                row["mask_path"] = f"artifacts/masks/{name}.png"
                row |= {"excess": part.excess, "area": crop_reader.marked(part.mask)}
                imagefiles.write(out_dir / row["mask_path"], part.mask)
            progress(0.9 * (i + 1) / len(planned), f"part {i + 1} of {len(planned)}", step=i + 1)
            yield row, part.image

    return Taken(parts(), "simulated")


def _imported(spec: Spec, out_dir: Path, progress: Progress) -> Taken:
    find = _finder(spec, out_dir) if spec.source == "crops" else None
    folder = detect.placed(Path(spec.folder).expanduser(), out_dir, progress)
    listing = detect.read(folder, spec.layout, with_features=find is None)
    pictures = dict.fromkeys(one.path for one in listing.entries)
    depth = imagefiles.depth_of(pictures)
    intake = crop_reader.Intake(out_dir, spec.margin, spec.skip_unreadable, find, depth)
    told = imagefiles.told_of(pictures, depth)
    noted = [f"Read as {detect.WORDS[listing.layout]}.", *listing.notes, *told]
    taken = Taken(iter(()), listing.layout, noted)
    taken.parts = crop_reader.take(
        listing, intake, taken.unreadable, taken.unfound, taken.notes, progress
    )
    return taken


def _finder(spec: Spec, out_dir: Path) -> crop_reader.Find:
    from backend.detection.detector.job import size_of
    from backend.inspection.parts.importers import yolo_finder

    if not spec.detector_run:
        file = Path(spec.detector_file).expanduser()
        return yolo_finder.finder(file, spec.detector_size, spec.confidence)
    run_folder = runs.sibling(out_dir, spec.detector_run)
    size = size_of(runs.read(run_folder))
    return yolo_finder.finder(run_folder / "artifacts" / "detector.pt", size, spec.confidence)

"""Parts: crops of printed features with a GOOD/BAD label, simulated or imported.

An import follows FTI_Zer0P (Zenodo 11444566): a folder with a `metadata.csv` of file_name,
feature and label (1 GOOD, 0 BAD), and optionally group and defect.
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from backend import facts
from backend.records import MIN_BAD, Label, Progress, UserError
from backend.specs import param

COLUMNS = ("part", "path", "feature", "label", "group", "defect")
REQUIRED = ("file_name", "feature", "label")
MAX_PIXELS = 50_000_000
LABELS = {"1": Label.GOOD, "good": Label.GOOD, "0": Label.BAD, "bad": Label.BAD}
FEATURE_NAMES = {  # spelling of FTI_Zer0P -> that of source B
    "dist.1": "dist1",
    "dist.6": "dist6",
    **{f"e.{word}{k}": f"edge{k}" for word in ("rought", "rough") for k in range(1, 5)},
}
Crops = NDArray[np.uint8]
SIMULATED = ("source", ("simulator",))


@dataclass(frozen=True)
class Spec:
    """Where the parts come from."""

    source: str = param(
        "simulator",
        "simulator: rendered inkjet prints, no download; folder: your own images",
        choices=("simulator", "folder"),
    )
    folder: str = param(
        "",
        "images and a metadata.csv with file_name, feature and label (1 GOOD, 0 BAD), optionally "
        "group and defect",
        path="folder",
        when=("source", ("folder",)),
    )
    scale: float = param(0.3, "share of source B's 1,327 parts", lo=0.02, hi=1.0, when=SIMULATED)
    severity: float = param(1.0, "size of the defects", lo=0.2, hi=3.0, when=SIMULATED)
    size: int = param(128, "edge of a crop, px", lo=64, hi=512, when=SIMULATED)
    seed: int = param(0, "another seed gives other parts", lo=0, hi=1_000_000, when=SIMULATED)


@dataclass(frozen=True)
class Result:
    """counts: feature -> [GOOD, BAD]. duplicates: images that occur in more than one group."""

    n: int
    n_good: int
    n_bad: int
    features: tuple[str, ...]
    counts: dict[str, list[int]]
    groups: int
    duplicates: int
    source: str
    notes: tuple[str, ...]


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Simulate or import the parts; writes the facts table `parts`."""
    make = _simulate if spec.source == "simulator" else _import
    frame = make(spec, out_dir, progress)
    facts.write(out_dir, "parts", frame[list(COLUMNS)])
    progress(1.0, f"{len(frame)} parts")
    return _summary(spec, frame)


def _summary(spec: Spec, frame: pd.DataFrame) -> Result:
    good = frame["label"] == int(Label.GOOD)
    table = good.groupby(frame["feature"]).agg(["sum", "count"])
    counts = {
        str(f): [int(g), int(n - g)]
        for f, (g, n) in zip(table.index, table.to_numpy(), strict=True)
    }
    duplicates = _duplicates(frame)
    return Result(
        n=len(frame),
        n_good=int(good.sum()),
        n_bad=int((~good).sum()),
        features=tuple(counts),
        counts=counts,
        groups=int(frame["group"].nunique()),
        duplicates=duplicates,
        source="simulated (rendered, not real)" if spec.source == "simulator" else spec.folder,
        notes=tuple(_notes(counts, duplicates)),
    )


def _notes(counts: dict[str, list[int]], duplicates: int) -> Iterator[str]:
    if duplicates:
        yield (
            f"{duplicates} images have a copy in another group: such a copy can be trained on "
            "and tested on. Give copies the same group in metadata.csv."
        )
    few = [feature for feature, (_, bad) in counts.items() if bad < MIN_BAD]
    if few:
        yield f"Fewer than {MIN_BAD} BAD parts: {', '.join(few)}. An AUROC there is not reliable."


def _duplicates(frame: pd.DataFrame) -> int:
    """How many images have the same bytes as one of another group."""
    groups = frame.groupby("digest")["group"].transform("nunique")
    return int((groups > 1).sum())


def _simulate(spec: Spec, out_dir: Path, progress: Progress) -> pd.DataFrame:
    from backend.inspection.simulator import plan, simulate_part

    folder = out_dir / "artifacts" / "crops"
    folder.mkdir(parents=True, exist_ok=True)
    planned = plan(spec.scale, spec.seed)
    rows = []
    for i, (feature, label, group, seed) in enumerate(planned):
        part = simulate_part(feature, label, seed, spec.size, spec.severity)
        name = f"{i:05d}-{feature}"
        Image.fromarray(part.image).save(folder / f"{name}.png", compress_level=1)
        path = f"artifacts/crops/{name}.png"
        digest = hashlib.sha256(part.image.tobytes()).hexdigest()
        rows.append((name, path, feature, int(label), group, part.defect, digest))
        progress(0.98 * (i + 1) / len(planned), f"part {i + 1} of {len(planned)}", step=i + 1)
    return pd.DataFrame(rows, columns=[*COLUMNS, "digest"])


def _import(spec: Spec, out_dir: Path, progress: Progress) -> pd.DataFrame:
    folder = Path(spec.folder).expanduser()
    table = read_metadata(folder)
    digests = []
    for i, name in enumerate(table["file_name"]):
        where = f"metadata.csv, row {i + 2}: '{name}'"
        digests.append(_check_image(folder, name, where))
        progress(0.98 * (i + 1) / len(table), f"checked {i + 1} of {len(table)}", step=i + 1)
    root = folder.resolve()
    return table.assign(
        part=table["file_name"],
        path=[str(root / name) for name in table["file_name"]],
        digest=digests,
    )


def read_metadata(folder: Path) -> pd.DataFrame:
    """metadata.csv as file_name, feature, label (0/1), group, defect.

    Raises UserError naming the file and row (counted as in a spreadsheet: the header is row 1).
    """
    table = _read_csv(folder)
    missing = [name for name in REQUIRED if name not in table]
    if missing:
        raise UserError(
            f"{folder / 'metadata.csv'} lacks the column '{missing[0]}'; it has "
            f"{', '.join(table.columns)}. Needed are {', '.join(REQUIRED)}."
        )
    if table.empty:
        raise UserError(f"{folder / 'metadata.csv'} lists no part. Add a row for each image.")
    _refuse_blanks(table, folder)
    _refuse_repeats(table)
    labels = [_label(text, row + 2) for row, text in enumerate(table["label"])]
    if int(Label.GOOD) not in labels:
        raise UserError("metadata.csv lists no GOOD part (label 1). The model learns from GOOD.")
    group = table["group"] if "group" in table else table["file_name"]
    blank = pd.Series("", index=table.index)
    return pd.DataFrame(
        {
            "file_name": table["file_name"],
            "feature": [FEATURE_NAMES.get(name, name) for name in table["feature"]],
            "label": labels,
            "group": group.where(group != "", table["file_name"]),
            "defect": table.get("defect", blank),
        }
    )


def _read_csv(folder: Path) -> pd.DataFrame:
    path = folder / "metadata.csv"
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder on this computer. Correct the path.")
    if not path.is_file():
        raise UserError(
            f"{path} is missing. Write one with the columns {', '.join(REQUIRED)} "
            "(label 1 = GOOD, 0 = BAD) and a row for each image."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text. Save it as 'CSV UTF-8'.") from error
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise UserError(f"{path} is empty. It needs the columns {', '.join(REQUIRED)}.")
    delimiter = max(",;\t|", key=lines[0].count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    header = [name.lower() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise UserError(
                f"{path}, row {number} has {len(row)} cells, the header {len(header)}. Correct it."
            )
    return pd.DataFrame(rows[1:], columns=header, dtype=str)


def _refuse_blanks(table: pd.DataFrame, folder: Path) -> None:
    for column in REQUIRED:
        blank = (table[column] == "").to_numpy()
        if blank.any():
            row = int(blank.argmax()) + 2
            raise UserError(f"{folder / 'metadata.csv'}, row {row}: '{column}' is empty. Fill it.")


def _refuse_repeats(table: pd.DataFrame) -> None:
    twice = table["file_name"].duplicated().to_numpy()
    if twice.any():
        row = int(twice.argmax())
        raise UserError(
            f"metadata.csv, row {row + 2}: '{table['file_name'][row]}' is listed a second time. "
            "Remove one of the rows."
        )


def _label(text: str, row: int) -> int:
    key = text.lower().removesuffix(".0")
    if key not in LABELS:
        raise UserError(
            f"metadata.csv, row {row}: unknown label '{text}'. Write 1 for GOOD and 0 for BAD."
        )
    return int(LABELS[key])


def _check_image(folder: Path, name: str, where: str) -> str:
    """SHA-256 of an image inside the folder that can be decoded; UserError otherwise."""
    path = folder / name
    inside = "\0" not in name and not Path(name).is_absolute()
    inside = inside and path.resolve().is_relative_to(folder.resolve())
    if not inside or ".." in Path(name).parts:
        raise UserError(f"{where} lies outside {folder}. Use a path inside the folder.")
    if not path.is_file():
        raise UserError(f"{where} does not exist in {folder}. Add the image or remove the row.")
    _decode(path, where)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _decode(path: Path, where: str) -> Image.Image:
    """The image as RGB; its header is read first, so a huge one is refused before decoding."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UserError(
                    f"{where} has {image.width} × {image.height} px, over 50 megapixels. "
                    "Crop the feature out of it."
                )
            return _to_rgb(ImageOps.exif_transpose(image))
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise UserError(f"{where} cannot be read as an image. Replace the file.") from error
    except Image.DecompressionBombError as error:
        raise UserError(f"{where} is too large an image. Crop the feature out of it.") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB; 16-bit grey keeps its upper byte instead of being clipped to white."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8)).convert(
            "RGB"
        )
    return image.convert("RGB")


def load(run_folder: Path) -> pd.DataFrame:
    """The parts of a run: part, path, feature, label, group, defect, in a fixed order."""
    return facts.read(run_folder, "parts").sort_values("part").reset_index(drop=True)


def read_crops(frame: pd.DataFrame, run_folder: Path, size: int) -> Crops:
    """RGB crops [N, size, size, 3] of the parts in `frame`, area-averaged where they shrink."""
    crops = [read_crop(run_folder / path, size) for path in frame["path"]]
    return np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)


def read_crop(path: Path, size: int) -> Crops:
    """One RGB crop [size, size, 3]. Raises UserError where the file is gone or damaged."""
    if not path.is_file():
        raise UserError(f"{path} is gone. Put the image back or import the parts again.")
    image = _decode(path, str(path))
    if image.size != (size, size):
        shrinks = min(image.size) >= size
        way = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
        image = image.resize((size, size), way)
    return np.asarray(image, dtype=np.uint8)

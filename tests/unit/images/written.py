"""Random sets of labelled images, written in each layout as other tools write them."""

import csv
import io
import json
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import yaml
from hypothesis import strategies as st
from PIL import Image

from backend.images.folder import composed

CLASSES = ("crack", "no", "1", "Kratzer ä")
SPLITS = ("train", "val", "test")
LETTERS = "abcxyzABC019 -()äöüÄßéñ日"


@dataclass(frozen=True)
class Made:
    """One image to write. place: its folders. boxes: class number; left, top, right, bottom, px."""

    place: tuple[str, ...]
    stem: str
    size: tuple[int, int]
    boxes: tuple[tuple[int, tuple[int, int, int, int]], ...]
    split: str = ""
    group: str = ""
    seed: int = 0

    @property
    def pixels(self) -> np.ndarray:
        noise = np.random.default_rng(self.seed)
        return noise.integers(0, 256, (self.size[1], self.size[0], 3), np.uint8)

    @property
    def mask(self) -> np.ndarray:
        """uint8 [H, W]: all boxes, filled."""
        mask = np.zeros(self.size[::-1], np.uint8)
        for _, (left, top, right, bottom) in self.boxes:
            mask[top:bottom, left:right] = 255
        return mask

    @property
    def expected(self) -> set:
        return {(CLASSES[number], tuple(map(float, corners))) for number, corners in self.boxes}


names = st.builds(
    lambda head, tail: f"n{head.strip()}{tail}",
    st.text(LETTERS, max_size=6),
    st.integers(0, 99),
)
folders = st.lists(names.map(lambda n: f"d{n}"), max_size=2).map(tuple)


@st.composite
def box(draw, size: tuple[int, int]) -> tuple[int, tuple[int, int, int, int]]:
    left, top = draw(st.integers(0, size[0] - 4)), draw(st.integers(0, size[1] - 4))
    right = draw(st.integers(left + 3, size[0]))
    return draw(st.integers(0, 3)), (left, top, right, draw(st.integers(top + 3, size[1])))


@st.composite
def made(draw, most_boxes: int = 3) -> Made:
    size = draw(st.integers(8, 24)), draw(st.integers(8, 24))
    boxes = draw(st.lists(box(size), max_size=most_boxes, unique=True))
    return Made(
        draw(folders),
        draw(names),
        size,
        tuple(boxes),
        draw(st.sampled_from(SPLITS)),
        draw(st.sampled_from(("", "part 1", "Teil ü", "7"))),
        draw(st.integers(0, 2**20)),
    )


def sets(most_boxes: int = 3) -> st.SearchStrategy[list[Made]]:
    """One to five images, no two of one name."""
    return st.lists(
        made(most_boxes), min_size=1, max_size=5, unique_by=lambda m: composed(m.stem).casefold()
    )


@dataclass
class Writer:
    """Files to be, by path; written as a folder or as a zip. form: NFC or NFD of all names."""

    form: str = "NFC"
    files: dict[str, bytes] = field(default_factory=dict)

    def text(self, place: str, content: str, encoding: str = "utf-8") -> None:
        self.files[place] = content.encode(encoding)

    def image(self, place: str, pixels: np.ndarray, **options: object) -> None:
        kinds = {"jpg": "JPEG", "tif": "TIFF"}
        suffix = place.rpartition(".")[2].lower()
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, kinds.get(suffix, suffix.upper()), **options)
        self.files[place] = content.getvalue()

    def folder(self, root: Path) -> Path:
        for place, content in self.files.items():
            path = root / unicodedata.normalize(self.form, place)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return root

    def zip(self, path: Path) -> Path:
        with zipfile.ZipFile(path, "w") as packed:
            for place, content in self.files.items():
                packed.writestr(unicodedata.normalize(self.form, place), content)
            packed.writestr("__MACOSX/._a.png", b"no image")
        return path


@dataclass(frozen=True)
class Dialect:
    """How a table is written down."""

    delimiter: str
    encoding: str
    ending: str
    quoting: int
    backslashes: bool

    def write(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
        text = io.StringIO()
        table = csv.writer(
            text, delimiter=self.delimiter, lineterminator=self.ending, quoting=self.quoting
        )
        table.writerow(header)
        table.writerows(rows)
        return text.getvalue().encode(self.encoding)

    def path(self, name: str) -> str:
        return name.replace("/", "\\") if self.backslashes else name

    def number(self, value: float) -> str:
        return f"{value:.1f}".replace(".", "," if self.delimiter != "," else ".")


dialects = st.builds(
    Dialect,
    st.sampled_from(",;\t|"),
    st.sampled_from(("utf-8", "utf-8-sig", "utf-16")),
    st.sampled_from(("\n", "\r\n")),
    st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    st.booleans(),
)
writers = st.builds(Writer, st.sampled_from(("NFC", "NFD")))


def join(*parts: str) -> str:
    return "/".join(filter(None, parts))


def metadata(writer: Writer, dialect: Dialect, placed: dict[str, Made]) -> None:
    rows = [(dialect.path(place), one.group) for place, one in placed.items()]
    writer.files["metadata.csv"] = dialect.write(("file_name", "group"), rows)


def yolo_lines(one: Made, turned: bool = False) -> str:
    """Boxes by their middle, or as four corners."""
    width, height = one.size
    lines = []
    for number, (left, top, right, bottom) in one.boxes:
        if turned:
            corners = (left, top, right, top, right, bottom, left, bottom)
            values = [v / (height if k % 2 else width) for k, v in enumerate(corners)]
        else:
            middle = (left + right) / 2 / width, (top + bottom) / 2 / height
            values = [*middle, (right - left) / width, (bottom - top) / height]
        lines.append(" ".join([str(number), *(f"{value:.9f}" for value in values)]))
    return "\n".join(lines) + "\n"


def yolo(writer: Writer, images: list[Made], style: str, turned: bool) -> dict[str, Made]:
    """style: folders, lists, darknet, beside or Capitals. The images by their place."""
    placed = {}
    upper = style == "Capitals"
    heads = ("Images", "Labels") if upper else ("images", "labels")
    for one in images:
        split = one.split if style in ("folders", "Capitals") else ""
        tail = join(split, *one.place, one.stem)
        if style in ("darknet", "beside"):
            place, label = f"obj_data/{tail}.png", f"obj_data/{tail}.txt"
        else:
            place, label = f"{heads[0]}/{tail}.png", f"{heads[1]}/{tail}.txt"
        writer.image(place, one.pixels)
        writer.text(label, yolo_lines(one, turned))
        placed[place] = one
    _yolo_names(writer, placed, style, heads[0])
    return placed


def _yolo_names(writer: Writer, placed: dict[str, Made], style: str, head: str) -> None:
    used = [split for split in SPLITS if any(one.split == split for one in placed.values())]
    data: dict[str, Any] = {"names": dict(enumerate(CLASSES))}
    if style in ("folders", "Capitals"):
        data |= {split: f"../{head}/{split}" for split in used}
    if style in ("lists", "darknet"):
        for split in used:
            lines = [f"./{place}" for place, one in placed.items() if one.split == split]
            writer.text(f"{split}.txt", "\n".join(lines) + "\n")
    if style == "lists":
        data |= {split: f"{split}.txt" for split in used}
    if style in ("darknet", "beside"):
        writer.text("obj.names", "\n".join(CLASSES))
    if style == "darknet":
        keys = {"train": "train", "val": "valid", "test": "test"}
        lines = [f"{keys[split]} = data/{split}.txt" for split in used]
        writer.text("obj.data", "\n".join(["classes = 4", *lines, "names = data/obj.names"]))
    if style not in ("darknet", "beside"):
        writer.text("data.yaml", yaml.safe_dump(data, allow_unicode=True))


def coco(writer: Writer, images: list[Made], windows: bool) -> dict[str, Made]:
    placed = {}
    found: dict[str, dict] = {}
    for number, one in enumerate(images):
        place = join("images", *one.place, f"{one.stem}.png")
        writer.image(place, one.pixels)
        name = "D:\\set\\" + place.replace("/", "\\") if windows else place.removeprefix("images/")
        part = found.setdefault(
            one.split,
            {
                "images": [],
                "annotations": [],
                "categories": [{"id": k + 5, "name": name} for k, name in enumerate(CLASSES)],
            },
        )
        size = {"width": one.size[0], "height": one.size[1]}
        part["images"].append({"id": number, "file_name": name, **size})
        for kind, (left, top, right, bottom) in one.boxes:
            ring = [left, top, right, top, right, bottom, left, bottom]
            mark = {"image_id": number, "category_id": kind + 5, "segmentation": [ring]}
            corners = [left, top, right - left, bottom - top]
            part["annotations"].append({"id": len(part["annotations"]), "bbox": corners, **mark})
        placed[place] = one
    for split, part in found.items():
        writer.text(f"annotations/instances_{split}.json", json.dumps(part, ensure_ascii=False))
    return placed


def voc(writer: Writer, images: list[Made]) -> dict[str, Made]:
    placed = {}
    for one in images:
        tail = join(*one.place, one.stem)
        place = f"JPEGImages/{tail}.png"
        writer.image(place, one.pixels)
        objects = "".join(
            f"<object><name>{escape(CLASSES[k])}</name><bndbox><xmin>{left + 1}</xmin>"
            f"<ymin>{top + 1}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
            for k, (left, top, right, bottom) in one.boxes
        )
        writer.text(f"Annotations/{tail}.xml", f"<annotation>{objects}</annotation>")
        placed[place] = one
    for split in SPLITS:
        lines = [one.stem for one in images if one.split == split]
        writer.text(f"ImageSets/Main/{split}.txt", "\n".join(lines) + "\n")
    return placed


def labelme(writer: Writer, images: list[Made], apart: bool) -> dict[str, Made]:
    """apart: JSON files in a folder of their own."""
    placed = {}
    for one in images:
        head = "images" if apart else ""
        place = join(head, one.split, *one.place, f"{one.stem}.png")
        writer.image(place, one.pixels)
        shapes = [
            {
                "label": CLASSES[k],
                "shape_type": "polygon",
                "points": [[left, top], [right, top], [right, bottom], [left, bottom]],
            }
            for k, (left, top, right, bottom) in one.boxes
        ]
        name = {"imagePath": f"{one.stem}.png", "imageWidth": one.size[0]}
        label = join("Annotations" if apart else "", one.split, *one.place, f"{one.stem}.json")
        writer.text(label, json.dumps({**name, "shapes": shapes}, ensure_ascii=False))
        placed[place] = one
    return placed

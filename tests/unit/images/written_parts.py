"""Random sets of GOOD and BAD parts with masks, written in the layouts of known data sets."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.unit.images.written import Dialect, Made, Writer, join

GOOD_CELLS = ("1", "good", "OK", "i.O.", "Pass", "defect free", "1,0")
BAD_CELLS = ("0", "bad", "n.i.O.", "NIO", "not ok", "KO", "Fail", "anomaly", "0.0")


@dataclass(frozen=True)
class Part:
    """One picture as a part: made with a box where it is BAD."""

    made: Made
    feature: str
    defect: str = ""
    group: str = ""

    @property
    def good(self) -> bool:
        return not self.made.boxes


Style = Callable[[Writer, Made, str], tuple[str, str, Part]]  # a picture's place, its mask's


def beside(ending: str) -> Style:
    def place(writer: Writer, one: Made, kind: str) -> tuple[str, str, Part]:
        folder = f"{kind}/{'bad' if one.boxes else 'good'}"
        return (
            f"{folder}/{one.stem}.png",
            f"{folder}/{ending.format(one.stem)}.png",
            Part(one, kind),
        )

    return place


def inside(writer: Writer, one: Made, kind: str) -> tuple[str, str, Part]:
    folder = f"{kind}/{'Bad' if one.boxes else 'Good'}"
    return f"{folder}/{one.stem}.png", f"{folder}/Mask/{one.stem}.png", Part(one, kind)


def in_folders(writer: Writer, one: Made, kind: str) -> tuple[str, str, Part]:
    verdict = "NOK" if one.boxes else "OK"
    tail = f"{kind}/{verdict}/{one.stem}.png"
    return f"Images/{tail}", f"Annotations/{tail}", Part(one, kind)


def mvtec(writer: Writer, one: Made, kind: str) -> tuple[str, str, Part]:
    if not one.boxes:
        split = "train" if one.split == "train" else "test"
        return f"{kind}/{split}/good/{one.stem}.png", "", Part(one, kind)
    defect = "broken_large" if one.seed % 2 else "cut"
    mask = f"{kind}/ground_truth/{defect}/{one.stem}_mask.png"
    part = Part(one, kind, defect.replace("_", " "))
    return f"{kind}/test/{defect}/{one.stem}.png", mask, part


def loco(writer: Writer, one: Made, kind: str) -> tuple[str, str, Part]:
    place, mask, part = mvtec(writer, one, kind)
    return place, mask.replace("_mask.png", "/000.png"), part


def btad(writer: Writer, one: Made, kind: str) -> tuple[str, str, Part]:
    split = "train" if one.split == "train" and not one.boxes else "test"
    tail = f"{'ko' if one.boxes else 'ok'}/{one.stem}.png"
    return f"{kind}/{split}/{tail}", f"{kind}/ground_truth/{tail}", Part(one, kind)


def visa(writer: Writer, one: Made, kind: str) -> tuple[str, str, Part]:
    tail = f"{'Anomaly' if one.boxes else 'Normal'}/{one.stem}"
    head = f"{kind}/Data"
    return f"{head}/Images/{tail}.PNG", f"{head}/Masks/{tail}.png", Part(one, kind)


def real_iad(writer: Writer, one: Made, kind: str) -> tuple[str, str, Part]:
    verdict, specimen = ("NG/HS" if one.boxes else "OK"), f"S{one.seed % 3:04d}"
    folder = f"{kind}/{verdict}/{specimen}"
    part = Part(one, kind, "HS" if one.boxes else "", folder)
    return f"{folder}/{one.stem}.jpg", f"{folder}/{one.stem}.png", part


def anomalib(writer: Writer, one: Made, kind: str) -> tuple[str, str, Part]:
    folder = "bad" if one.boxes else "good"
    mask = f"ground_truth/{folder}/{one.stem}.png"
    return f"{folder}/{one.stem}.png", mask, Part(one, "")


STYLES: dict[str, Style] = {
    "x_mask": beside("{}_mask"),
    "x-mask": beside("{}-mask"),
    "x_gt": beside("{}_gt"),
    "mask_x": beside("mask_{}"),
    "inside": inside,
    "folders": in_folders,
    "mvtec": mvtec,
    "loco": loco,
    "btad": btad,
    "visa": visa,
    "real-iad": real_iad,
    "anomalib": anomalib,
}


def write(writer: Writer, images: list[Made], style: str, above: str) -> dict[str, Part]:
    """The parts by their place. One GOOD part and one BAD are added, so that it is a set.

    above: a folder that all lies in, "" for none.
    """
    good = Made((), "erstes", (12, 12), (), "train", seed=1)
    tested = Made((), "zweites", (12, 12), (), "test", seed=3)
    bad = Made((), "drittes", (12, 12), ((0, (2, 3, 8, 9)),), "test", seed=2)
    placed = {}
    for one in [good, tested, bad, *images]:
        place, mask, part = STYLES[style](writer, one, "typ ä")
        place, mask = join(above, place), join(above, mask)
        writer.image(place, one.pixels)
        if one.boxes:
            writer.image(mask, one.mask)
        placed[place] = part
    return placed


def table(writer: Writer, dialect: Dialect, images: list[Made]) -> dict[str, Part]:
    """Pictures with a metadata.csv of parts, a box each where there is one."""
    header = ("file_name", "feature", "label", "group", "defect", "x1", "y1", "x2", "y2")
    rows, placed = [], {}
    for one in [*images, Made((), "gut", (12, 12), ())]:
        place = join("crops", *one.place, f"{one.stem}.png")
        cells = BAD_CELLS if one.boxes else GOOD_CELLS
        label = cells[one.seed % len(cells)]
        part = Part(one, "edge; 1", "crack" if one.boxes else "", one.group)
        corners = [dialect.number(v + 0.5) for v in one.boxes[0][1]] if one.boxes else [""] * 4
        rows.append((dialect.path(place), part.feature, label, one.group, part.defect, *corners))
        writer.image(place, one.pixels)
        placed[place] = part
    writer.files["metadata.csv"] = dialect.write(header, rows)
    return placed

"""Public sets at their smallest: made pictures of noise with a bright spot where BAD, laid out as
each set has them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

EDGE = 64
TRAIN, GOOD, BAD = 8, 4, 5


def pixels(seed: int, bad: bool) -> tuple[np.ndarray, np.ndarray]:
    """A picture [E, E, 3] and its mask [E, E]."""
    random = np.random.default_rng(seed)
    image = random.normal(110, 6, (EDGE, EDGE, 3))
    image[:, EDGE // 2 :] += 40
    mask = np.zeros((EDGE, EDGE), np.uint8)
    if bad:
        y, x = random.integers(4, EDGE - 20, 2)
        image[y : y + 14, x : x + 14] += 70
        mask[y : y + 14, x : x + 14] = 255
    return image.clip(0, 255).astype(np.uint8), mask


def save(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def each(category: str) -> list[tuple[str, bool, int]]:
    """(split, BAD, seed) of a category's pictures."""
    first = 1000 * sum(category.encode())
    kinds = [("train", False)] * TRAIN + [("test", False)] * GOOD + [("test", True)] * BAD
    return [(split, bad, first + k) for k, (split, bad) in enumerate(kinds)]


def mvtec(
    root: Path, categories: tuple[str, ...], words: tuple[str, str] = ("good", "cut")
) -> None:
    """MVTec AD's tree, MPDD's too; BTAD's with the words ok and ko and masks of the same name."""
    ending = "_mask.png" if words[0] == "good" else ".png"
    for name in categories:
        for split, bad, seed in each(name):
            image, mask = pixels(seed, bad)
            save(root / name / split / words[bad] / f"{seed}.png", image)
            if bad:
                save(root / name / "ground_truth" / words[1] / f"{seed}{ending}", mask)


def btad(root: Path, categories: tuple[str, ...]) -> None:
    mvtec(root, categories, ("ok", "ko"))


def visa(root: Path, categories: tuple[str, ...]) -> None:
    """Masks hold the number of the defect's class, as VisA's do."""
    lines = ["object,split,label,image,mask"]
    for name in categories:
        for split, bad, seed in each(name):
            image, mask = pixels(seed, bad)
            kind = "Anomaly" if bad else "Normal"
            place = f"{name}/Data/Images/{kind}/{seed}.JPG"
            marked = f"{name}/Data/Masks/Anomaly/{seed}.png" if bad else ""
            save(root / place, image)
            if bad:
                save(root / marked, (mask > 0).astype(np.uint8) * 3)
            lines.append(f"{name},{split},{'anomaly' if bad else 'normal'},{place},{marked}")
    table = root / "split_csv" / "1cls.csv"
    table.parent.mkdir(parents=True)
    table.write_text("\n".join(lines))


def real_iad(root: Path, categories: tuple[str, ...]) -> None:
    for name in categories:
        told: dict[str, list[dict[str, str | None]]] = {"train": [], "test": []}
        for split, bad, seed in each(name):
            image, mask = pixels(seed, bad)
            place = f"{'NG/HS' if bad else 'OK'}/S{seed % 10000:04d}/{name}_{seed}_C1.jpg"
            marked = place.replace(".jpg", ".png") if bad else None
            save(root / "realiad_256" / name / place, image)
            if marked:
                save(root / "realiad_256" / name / marked, mask)
            kind = "HS" if bad else "OK"
            told[split].append(
                {"category": name, "anomaly_class": kind, "image_path": place, "mask_path": marked}
            )
        file = root / "realiad_jsons" / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"meta": {"prefix": f"{name}/", "normal_class": "OK"}} | told))


def metadata(root: Path, categories: tuple[str, ...]) -> None:
    """A plant's own table."""
    lines = ["file_name,feature,label,split"]
    for name in categories:
        for split, bad, seed in each(name):
            image, mask = pixels(seed, bad)
            save(root / f"{name}-{seed}.png", image)
            if bad:
                save(root / "masks" / f"{name}-{seed}.png", mask)
            lines.append(f"{name}-{seed}.png,{name},{int(not bad)},{split}")
    (root / "metadata.csv").write_text("\n".join(lines))


SETS: dict[str, tuple[Callable[[Path, tuple[str, ...]], None], tuple[str, ...], str]] = {
    "MVTec AD": (mvtec, ("bottle", "metal_nut"), "mvtec"),
    "BTAD": (btad, ("01", "02"), "mvtec"),
    "MPDD": (mvtec, ("tubes", "connector"), "mvtec"),
    "VisA": (visa, ("candle", "pcb1"), "visa"),
    "Real-IAD": (real_iad, ("audiojack", "zipper"), "real-iad"),
    "": (metadata, ("left flange", "lid"), "metadata"),
}

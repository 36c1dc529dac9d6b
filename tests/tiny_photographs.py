"""Pictures that stand for a plant's photographs: a YOLO folder and a folder of intact parts."""

from pathlib import Path

from backend.images import imagefiles
from backend.images.formats import yolo
from backend.images.vocabulary import ONE_CLASS

FIRST_SEED = 77_000
SIZE = 128


def make(folder: Path, train: int = 6, test: int = 4, intact: int = 4) -> tuple[Path, Path]:
    """Write `folder/real` (two pictures a specimen) and `folder/intact`; returns both."""
    from backend.renderer import render

    real, good = folder / "real", folder / "intact"
    lists: dict[str, list[str]] = {"train": [], "test": []}
    groups = ["file_name,group"]
    (real / "labels").mkdir(parents=True, exist_ok=True)
    for k in range(train + test):
        shot = render(FIRST_SEED + k, SIZE, defects=(1, 2))
        imagefiles.write(real / "images" / f"p{k}.png", shot.image)
        text = yolo.text_of(shot.boxes, (SIZE, SIZE), ONE_CLASS)
        (real / "labels" / f"p{k}.txt").write_text(text)
        lists["train" if k < train else "test"].append(f"images/p{k}.png")
        groups.append(f"p{k}.png,part {k // 2}")
    for split, names in lists.items():
        (real / f"{split}.txt").write_text("\n".join(names) + "\n")
    (real / "data.yaml").write_text("train: train.txt\ntest: test.txt\nnames: {0: crack}\n")
    (real / "metadata.csv").write_text("\n".join(groups) + "\n")
    rows = ["file_name,split,group"]
    for k in range(intact):
        shot = render(FIRST_SEED + 500 + k, SIZE, defects=(0, 0))
        imagefiles.write(good / f"g{k}.png", shot.image)
        rows.append(f"g{k}.png,{'train' if k % 2 else 'test'},good {k}")
    (folder / "intact.csv").write_text("\n".join(rows) + "\n")
    return real, good

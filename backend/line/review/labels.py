"""Decisions as labels: a folder of pictures with a metadata.csv, from which a parts run is made."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from backend.core import runs
from backend.images import imagefiles, tables
from backend.line import pictures
from backend.line.review import decisions, rates
from backend.line.review.decisions import Said
from backend.records import Label, UserError

FOLDER = "labels"  # in the line's folder: one folder a parts run
REVIEWS = "reviews.csv"  # beside the pictures: who said what of which, and what the line said
TOLD = ("epoch", "sequence", "serial", "captured", "verdict", "score", "package", "thresholds")


def write(home: Path, rows: pd.DataFrame, feature: str) -> Path:
    """The folder with every reviewed part that is GOOD or BAD and whose picture is there.

    rows: of the line, with the columns of the outbox. feature: of parts whose source does not tell,
    "" for the line's name. Raises UserError where there is no GOOD part
    among them.
    """
    standing = decisions.standing(home)
    looked = rates.judged(rows, standing)
    looked = looked[looked["kept"] & looked["truth"].isin([Said.GOOD, Said.BAD])]
    if not (looked["truth"] == Said.GOOD).any():
        raise UserError("No part with a picture was found GOOD yet. Review some first.")
    folder = home / FOLDER / f"{runs.now():%Y%m%dT%H%M%S%f}"
    folder.mkdir(parents=True)
    names = [_copied(home, row, folder) for row in looked.itertuples()]
    label = np.where(looked["truth"] == Said.GOOD, int(Label.GOOD), int(Label.BAD))
    made = pd.DataFrame(
        {
            tables.FILE_NAME: names,
            "feature": looked["feature"].replace("", feature or home.name),
            "label": label,
            "group": [name.rpartition(".")[0] for name in names],
            **{f"line_{name}": looked[name] for name in TOLD},
        }
    )
    made.to_csv(folder / tables.METADATA, index=False)
    of = set(zip(looked["epoch"], looked["sequence"], strict=True))
    said = pd.DataFrame([asdict(one) for one in standing if one.place in of])
    said.assign(line=home.name).to_csv(folder / REVIEWS, index=False)
    return folder


def _copied(home: Path, row: Any, folder: Path) -> str:
    """The name of a part's picture in the folder."""
    source = home / row.picture
    name = f"{home.name}-{row.epoch}-{row.sequence}"
    if source.suffix in pictures.KINDS.values():
        shutil.copyfile(source, folder / f"{name}{source.suffix}")
        return f"{name}{source.suffix}"
    Image.fromarray(imagefiles.read_rgb(source)).save(folder / f"{name}.png")
    return f"{name}.png"

"""What a report is made of: figures, pictures, tables, and sentences around them."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import plotly.graph_objects as go

LIMITS = "What to keep in mind"


@dataclass(frozen=True)
class Item:
    """One thing to look at. name: of its files. words: how to read it."""

    name: str
    title: str
    words: str


@dataclass(frozen=True)
class Chart(Item):
    """data: the rows that are drawn."""

    figure: go.Figure
    data: pd.DataFrame

    def untitled(self) -> go.Figure:
        """The figure under a heading of its own: of its title the n alone is left."""
        _, mark, n = str(self.figure.layout.title.text or "").partition("<span")
        title = {"title": {"text": mark + n}, "margin": {"t": 34}}
        return go.Figure(self.figure).update_layout(title)


@dataclass(frozen=True)
class Picture(Item):
    """pixels: uint8 [H, W, 3]."""

    pixels: np.ndarray


@dataclass(frozen=True)
class Table(Item):
    """frame: as shown, in words."""

    frame: pd.DataFrame


@dataclass(frozen=True)
class Blank(Table):
    """A table to be filled in by hand."""


@dataclass(frozen=True)
class Gap(Item):
    """What cannot be shown; `words` say why, and the cure."""


@dataclass(frozen=True)
class Report:
    """A whole report, before it is written in some format.

    lead: what came out, a sentence each, the most important first. limits: what a reader must not
    conclude, under `limits_title`. origin: who made it, when and from what. command: makes it anew.
    """

    title: str
    lead: tuple[str, ...]
    items: tuple[Item, ...]
    limits: tuple[str, ...] = ()
    command: str = ""
    limits_title: str = LIMITS
    origin: tuple[Table, ...] = field(default=())

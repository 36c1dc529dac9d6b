"""Where things lie on the server is nobody else's business: reports name them without the way."""

import re
from dataclasses import replace
from typing import Any

from backend.sharing.report.items import Item, Report, Table

WAY = re.compile(r"(?<![\w/.<])(?:~|[A-Za-z]:)?[/\\](?![/\\\s])(?:[^/\\\s'\",;]+[/\\])*(?=[\w.])")
SIGNED = re.compile(r"(?<=://)[^/@\s]+@")  # a name and password before a host
LEFT = "…/"


def hidden(text: str) -> str:
    """A text in which of each absolute path only its last part is left, and addresses have no
    password."""
    return WAY.sub(LEFT, SIGNED.sub("", text))


def without(report: Report) -> Report:
    """The report with every such text so."""
    return replace(
        report,
        lead=tuple(map(hidden, report.lead)),
        limits=tuple(map(hidden, report.limits)),
        command=hidden(report.command),
        items=tuple(map(_item, report.items)),
        origin=tuple(map(_table, report.origin)),
    )


def values(settings: Any) -> Any:
    """Settings or results as JSON has them, so."""
    if isinstance(settings, str):
        return hidden(settings)
    if isinstance(settings, dict):
        return {name: values(value) for name, value in settings.items()}
    return [values(value) for value in settings] if isinstance(settings, list) else settings


def _item(item: Item) -> Item:
    item = replace(item, words=hidden(item.words))
    return _table(item) if isinstance(item, Table) else item


def _table(table: Table) -> Table:
    return replace(table, frame=table.frame.map(values))

"""A report as one HTML file that asks for nothing outside, on a phone, a USB stick or paper.

Each chart is there twice: one to move in by script, and a drawing that paper and readers without
script see. A static page holds the drawings alone.
"""

import base64
import html
import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from backend.plots import html_page
from backend.sharing.report import foreign
from backend.sharing.report.items import Blank, Chart, Item, Picture, Report, Table

EDGE, STATIC_EDGE = 1100, 760  # px of a picture's longer side
QUALITY, STATIC_QUALITY = 85, 72  # of its JPEG
_TABLE = ' class="table"'


def to_html(report: Report, static: bool = False) -> str:
    """The whole page. static: without script, for mail."""
    return html_page.page(report.title, "".join(_parts(report, static)), scripted=not static)


def _parts(report: Report, static: bool) -> Iterator[str]:
    for place, sentence in enumerate(report.lead):
        yield f'<p class="{"words" if place else "verdict"}">{html.escape(sentence)}</p>'
    scripted = static
    for item in report.items:
        yield _section(item, static, with_script=not scripted)
        scripted = scripted or isinstance(item, Chart)
    if report.limits:
        told = html_page.bullets(list(report.limits))
        yield f"<h2>{html.escape(report.limits_title)}</h2>{told}"
    for table in report.origin:
        yield _section(table, static, with_script=False)
    if report.command:
        yield f"<h2>Repeat it</h2><pre>{html.escape(report.command)}</pre>"


def _section(item: Item, static: bool, with_script: bool) -> str:
    words = f"<figcaption>{html.escape(item.words)}</figcaption>" if item.words else ""
    kind = ' class="blank"' if isinstance(item, Blank) else _TABLE * isinstance(item, Table)
    drawn = _drawn(item, static, with_script)
    return f"<figure{kind}><h2>{html.escape(item.title)}</h2>{drawn}{words}</figure>"


def _drawn(item: Item, static: bool, with_script: bool) -> str:
    if isinstance(item, Picture):
        return _picture(item, static)
    if isinstance(item, Table):
        return html_page.table(item.frame)
    if not isinstance(item, Chart):
        return ""
    from backend.sharing.report.drawing import svg  # loads matplotlib, which few need

    figure = foreign.harmless(item.untitled())
    label = html.escape(item.title, quote=True)
    still = f'<div class="still" role="img" aria-label="{label}">{svg.to_svg(figure)}</div>'
    if static:
        return still
    return f'<div class="live">{html_page.chart(figure, with_script)}</div>{still}'


def _picture(item: Picture, static: bool) -> str:
    data = base64.b64encode(_jpeg(item.pixels, static)).decode()
    return f'<img alt="{html.escape(item.title, quote=True)}" src="data:image/jpeg;base64,{data}">'


def _jpeg(pixels: np.ndarray, static: bool) -> bytes:
    """The picture shrunk for a page, its full size is in the zip."""
    image = Image.fromarray(pixels)
    buffer = io.BytesIO()
    edge = STATIC_EDGE if static else EDGE
    image.thumbnail((edge, edge))
    image.save(buffer, "JPEG", quality=STATIC_QUALITY if static else QUALITY, optimize=True)
    return buffer.getvalue()

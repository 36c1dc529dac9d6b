"""A page that opens in any browser without a network: everything in it is in the file."""

import html
import re

import pandas as pd
import plotly.graph_objects as go

from backend.plots import METHODS

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b2733; background: #fff; overflow-wrap: anywhere; }
h1 { line-height: 1.2; }
img { max-width: 100%; height: auto; image-rendering: auto; }
figure { margin: 1.5rem 0 2.5rem; break-inside: avoid; }
figure.table { break-inside: auto; }
figcaption, .words { color: #52606d; font-size: 0.9rem; max-width: 46rem; }
.verdict { font-size: 1.1rem; font-weight: 600; max-width: 46rem; }
.still { display: none; }
.static-page .still { display: block; }
.still svg { width: 100%; height: auto; max-width: 44rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.8rem 0.35rem 0;
  border-bottom: 1px solid #d6dde3; overflow-wrap: break-word; }
.blank table { width: 100%; border-collapse: separate; border-spacing: 0.8rem 0; }
.blank td { height: 3.2rem; vertical-align: bottom; border-bottom-color: #1b2733; }
.long { overflow-wrap: anywhere; }
pre { background: #f2f5f7; padding: 0.8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
h2 { break-after: avoid; }
tr { break-inside: avoid; }
@page { size: A4; margin: 14mm; }
@media (max-width: 600px) {
  h1 { font-size: 1.5rem; }
  h2 { font-size: 1.15rem; }
  body { margin-top: 1rem; }
  .prose { min-width: 14rem; }
}
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 11pt; }
  .live { display: none; }
  .still { display: block; }
  .still svg { max-height: 110mm; width: auto; max-width: 100%; }
  img { max-height: 200mm; }
  .wide { overflow: visible; }
  table { width: 100%; font-size: 8.5pt; }
  th, td { padding-right: 0.4rem; }
}
"""
LONG = re.compile(r"<td>(?=[^<]*[^\s<>&;]{25})")  # cells with a word that may be broken
PROSE = re.compile(r"<td>(?=[^<]{60})")  # cells with sentences, which scroll sideways on a phone
INTERVAL = re.compile(r"\[([^\[\]<>, ]+), ([^\[\]<>, ]+)\]")  # kept on one line
NO_SCRIPT = "<noscript><style>.live{display:none}.still{display:block}</style></noscript>"


def policy(scripted: bool) -> str:
    """What such a page may do: show what is in it, and ask for nothing."""
    script = "; script-src 'unsafe-inline'" if scripted else ""
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:{script}"


def page(title: str, body: str, scripted: bool = True) -> str:
    """The whole file. body: HTML below the title. scripted: whether it holds charts to move in."""
    name = html.escape(title)
    kind = "live" if scripted else "static"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(scripted)}">'
        f"<style>{STYLE}</style>{NO_SCRIPT if scripted else ''}</head>"
        f'<body class="{kind}-page"><h1>{name}</h1>{body}</body></html>'
    )


def table(frame: pd.DataFrame) -> str:
    """A table as it is."""
    with pd.option_context("display.max_colwidth", None):
        text = frame.to_html(index=False, border=0)
    text = PROSE.sub('<td class="prose">', LONG.sub('<td class="long">', text))
    whole = INTERVAL.sub(r"[\1,&nbsp;\2]", text)
    return f'<div class="wide">{whole}</div>'


def chart(figure: go.Figure, with_script: bool) -> str:
    """A chart in print colours; one of a page's charts brings Plotly's script."""
    paper = {"template": "plotly_white", "colorway": list(METHODS)}
    printed = go.Figure(figure).update_layout(paper)
    look = {"displayModeBar": False, "responsive": True}
    script = "inline" if with_script else False
    return str(printed.to_html(full_html=False, include_plotlyjs=script, config=look))


def bullets(lines: list[str]) -> str:
    """Sentences as a list."""
    return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>"

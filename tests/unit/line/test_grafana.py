"""The queries of docs/grafana name figures that a line gives, and all of them."""

import json
import re

import pytest
import yaml

from backend.line.metrics import Metrics
from backend.settings import PROJECT
from tests.unit.line.doubles import Heard

FOLDER = PROJECT / "docs" / "grafana"
NAME = re.compile(r"distillery_[a-z_]+")
OTHERS = {"up", "job", "le", "instance"}  # Prometheus' own


@pytest.fixture
def given(engine):
    """Names of series, and the labels that they bear."""
    metrics = Metrics("press", engine([], sinks=[Heard()]))
    metrics._observe("judge", 0.01)
    text = metrics.text().decode()
    names = set(re.findall(r"^(distillery_[a-z_]+)", text, re.MULTILINE))
    return names, set(re.findall(r'[{,]([a-z_]+)="', text))


def expressions():
    """Every query of the dashboard and of the rules."""
    found = []
    dashboard = json.loads((FOLDER / "lines.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        found += [target["expr"] for target in panel["targets"]]
    found += [
        one["query"]["query"]
        for one in dashboard["templating"]["list"]
        if isinstance(one["query"], dict)
    ]
    rules = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
    return found + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("query", expressions())
def test_a_query_names_what_a_line_gives(given, query):
    names, labels = given
    assert set(NAME.findall(query)) <= names, query
    asked = set(re.findall(r"[{,]\s*([a-z_]+)\s*=", query))
    asked |= {word for part in re.findall(r"by \(([^)]*)\)", query) for word in part.split(", ")}
    assert asked <= labels | OTHERS, query


def test_every_figure_of_a_line_is_on_the_dashboard(given):
    shown = {name for query in expressions() for name in NAME.findall(query)}
    bases = {name for name in given[0] if not name.endswith(("_created", "_sum", "_count"))}
    assert bases - shown == set()


def test_every_alert_says_what_it_means_and_what_to_do():
    rules = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
    for rule in rules["groups"][0]["rules"]:
        assert rule["annotations"]["summary"] and rule["annotations"]["description"]
        assert rule["labels"]["severity"] in ("warning", "critical")

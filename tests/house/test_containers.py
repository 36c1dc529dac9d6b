"""compose.yaml, the units of systemd and the Dockerfile's walker name what is there."""

import re
import shlex

import click
import pytest
import yaml

from backend.__main__ import main
from backend.core import cluster, registry, specs
from backend.settings import PROJECT
from tests.container import in_chroot

COMPOSE = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = [name for name, one in SERVICES.items() if one["image"] == "defect-distillery"]
DOCS = (PROJECT / "docs" / "containers.md").read_text(encoding="utf-8")
UNITS = sorted((PROJECT / "docs" / "systemd").glob("*.service"))


def filled(text: str) -> str:
    """The text with each variable's default in its place."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def options_of(verb: str) -> set[str]:
    if verb in (kind.name for kind in registry.KINDS):
        fields = specs.params(registry.get(verb).spec_type)
        return {f"--{p.name.replace('_', '-')}" for p in fields} | {"--name", "--count"}
    command = main.commands[verb]
    return {flag for p in command.params if isinstance(p, click.Option) for flag in p.opts}


def check_call(words: list[str]) -> None:
    """That what follows `-m backend` is a verb with options that it has."""
    verb, *rest = words[words.index("backend") + 1 :]
    assert {word for word in rest if word.startswith("--")} <= options_of(verb), words


def test_what_a_plain_up_starts_is_the_dashboard_on_this_computer_alone():
    assert [name for name, one in SERVICES.items() if "profiles" not in one] == ["dashboard"]
    assert SERVICES["dashboard"]["ports"] == ["127.0.0.1:8501:8501"]


def test_every_profile_is_told_and_every_told_one_is_there():
    profiles = {name for one in SERVICES.values() for name in one.get("profiles", ())}
    assert profiles == set(re.findall(r"^\| `(\w+)` \|", DOCS, re.M))
    assert profiles == {"tls", "line", "mqtt", "ray"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_names_what_is_there_and_keeps_few_logs(name):
    service = SERVICES[name]
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert set(service.get("depends_on", ())) <= set(SERVICES)
    for volume in service["volumes"]:
        source = volume.split(":")[0]
        known = (
            (PROJECT / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]
        )
        assert known, volume


@pytest.mark.parametrize("name", OURS)
def test_our_services_may_write_in_their_volume_alone(name):
    service = SERVICES[name]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["environment"]["HOME"] == "/tmp", "libraries keep small files at home"
    words = shlex.split(filled(service.get("command", "")))
    if "backend" in words:
        check_call(words)


def test_every_variable_is_told():
    text = (PROJECT / "compose.yaml").read_text(encoding="utf-8")
    for name in set(re.findall(r"\$\{(\w+)", text)):
        assert name in DOCS, name


def test_a_line_counts_processes_as_the_dashboard_does():
    """Else each would take the other's runs for dead."""
    assert SERVICES["line"]["pid"] == "service:dashboard"


@pytest.mark.parametrize("name", ["ray-head", "ray-worker"])
def test_a_cluster_of_containers_soon_misses_a_computer(name):
    assert SERVICES[name]["environment"].items() >= cluster.HANGS_UP.items()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_calls_a_verb_that_is_there(unit):
    text = unit.read_text(encoding="utf-8")
    check_call(shlex.split(re.search(r"-c '(.*)'", text)[1]))
    for place in ("NoNewPrivileges=true", "ProtectSystem=strict", "LogNamespace=distillery"):
        assert place in text


def test_the_walk_in_a_clean_root_knows_every_step_of_the_dockerfile():
    steps = in_chroot.instructions((PROJECT / "Dockerfile").read_text(encoding="utf-8"))
    words = [word for word, _ in steps]
    passed_over = {"VOLUME", "EXPOSE"}
    known = {"FROM", "ARG", "ENV", "WORKDIR", "COPY", "RUN", "USER", "HEALTHCHECK", "CMD"}
    assert set(words) <= known | passed_over
    assert words[0] == "FROM" and words[-1] == "CMD"
    assert all("\\" not in rest for word, rest in steps if word != "RUN")

"""What is linted is the same at a commit, by `make test` and in CI."""

import re

import yaml

from backend.settings import PROJECT

MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")


def recipe(target: str) -> tuple[str, list[str]]:
    """What a target of the Makefile waits for, and its commands."""
    found = re.search(rf"^{target}:(.*)\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    assert found
    return found[1].strip(), [line.strip() for line in found[2].splitlines()]


def test_hooks_run_what_make_lint_runs():
    config = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (repo,) = config["repos"]
    assert repo["repo"] == "local"
    assert {hook["language"] for hook in repo["hooks"]} == {"system"}, "needs no network"
    commands = [command.replace("$(PY)", ".venv/bin/python") for command in recipe("lint")[1]]
    assert [hook["entry"] for hook in repo["hooks"]] == commands


def test_ci_lints_before_it_tests():
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.splitlines()[-1] == "make test"
    assert recipe("test")[0] == "lint"
    assert recipe("lint")[0] == "install-dev audit"
    assert recipe("audit")[0] == "install-dev"


def test_pages_and_tests_are_type_checked():
    config = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'files = ["app.py", "backend", "pages", "tests"]' in config

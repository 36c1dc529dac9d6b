"""Packages on the line: only what passed here, with the limits in force, and one step back."""

import dataclasses

import pytest

from backend.actions import results
from backend.core import audit, runs, specs
from backend.core.audit import Actor, Way
from backend.deployment import in_force
from backend.deployment.gate.spec import Result, Spec
from backend.deployment.package import contract
from backend.deployment.package.spec import Spec as PackageSpec
from backend.inspection.threshold import active
from backend.numeric import hardware
from backend.records import RunState, UserError
from tests.unit.inspection.test_threshold import make_inspected, make_threshold

ADA = Actor("Ada", Way.PAGE)
HERE = hardware.fingerprint()


def finish(folder, result):
    runs.finish(folder, RunState.COMPLETED, result=specs.to_json(result))
    return folder.name


def make_package(root, model, threshold=None, content=b"model", kind="anomaly"):
    """A package run as far as the journal looks at it."""
    run = runs.create(root, "package", specs.to_json(PackageSpec(model_run=model)))
    folder = contract.folder_of(run.folder)
    folder.mkdir(parents=True)
    (folder / contract.MODEL).write_bytes(content)
    told = {"version": threshold, "limits": {}} if threshold else None
    runs.write_json(folder / contract.HEAD, {"kind": kind, "threshold": told, "model_run": model})
    runs.finish(run.folder, RunState.COMPLETED, result={})
    return run.id


def make_gate(root, package, passed=("FP32", "INT8"), machine=HERE, kind="anomaly"):
    """A finished gate, with a file of INT8."""
    run = runs.create(root, "gate", specs.to_json(Spec(package_run=package)))
    file = in_force.file_of(run.folder, package, "INT8")
    file.parent.mkdir(parents=True)
    file.write_bytes(package.encode())
    files = {name: in_force.file_of(run.folder, package, name) for name in ("FP32", "INT8")}
    result = Result(
        **{"verdict": "fine", "reasons": (), "passed": passed, "refused": ()},
        **{"fastest": "INT8", "kind": kind, "judged": 9, "machine": machine.id},
        described=machine,
        files={name: contract.sha256(path) for name, path in files.items()},
    )
    finish(run.folder, result)
    return run.folder


@pytest.fixture(autouse=True)
def read_as_it_is(monkeypatch):
    """The packages here hold what the journal needs, and no real model."""

    def read(folder):
        head = runs.read_json(folder / contract.HEAD)
        return contract.Package(folder, head["kind"], 64, (), head)

    monkeypatch.setattr(contract, "read", read)


@pytest.fixture
def model(storage):
    return make_inspected(storage.runs, {"dots": (30, 10)})


@pytest.fixture
def gated(storage, model):
    """A package with limits version 1 in force, and its gate."""
    limits = make_threshold(storage.runs, model)
    active.activate(storage.storage, limits.folder, "Ada", "")
    return make_gate(storage.runs, make_package(storage.runs, model, threshold=1))


def test_what_passed_is_put_in_force_with_who_when_and_why(storage, gated):
    results.put_package_in_force(ADA, storage, runs.read(gated), "INT8", " faster ")
    found = in_force.current(storage.storage, "anomaly")
    assert (found.variant, found.who, found.why, found.threshold) == ("INT8", "Ada", "faster", 1)
    assert found.gate_run == gated.name and found.machine == HERE.id
    [line] = audit.newest(storage.storage)
    assert (line.action, line.about) == ("put in force", gated.name)
    assert line.detail == "INT8. faster"


def test_a_variant_that_did_not_pass_is_refused_and_leaves_no_line(storage, gated):
    with pytest.raises(UserError, match="FP16 did not pass"):
        results.put_package_in_force(ADA, storage, runs.read(gated), "FP16", "")
    assert in_force.history(storage.storage) == [] and audit.newest(storage.storage) == []


def test_nobody_puts_a_package_in_force_without_a_name(storage, gated):
    with pytest.raises(UserError, match="enter your name"):
        in_force.activate(storage.storage, gated, "FP32", "  ", "")


def test_a_verdict_of_another_computer_is_void(storage, model, gated):
    other = dataclasses.replace(HERE, flags=(), cores=HERE.cores + 1)
    package = runs.spec(runs.read(gated), Spec).package_run
    with pytest.raises(UserError, match=r"another computer \(flags.*; cores.*Run the gate again"):
        in_force.activate(
            storage.storage, make_gate(storage.runs, package, machine=other), "FP32", "Ada", ""
        )


def test_a_file_that_changed_since_it_passed_is_refused(storage, gated):
    package = runs.spec(runs.read(gated), Spec).package_run
    in_force.file_of(gated, package, "INT8").write_bytes(b"another")
    with pytest.raises(UserError, match="not the file that passed"):
        in_force.activate(storage.storage, gated, "INT8", "Ada", "")


def test_a_package_without_limits_calls_nothing_bad_and_stays_off_the_line(storage, model):
    folder = make_gate(storage.runs, make_package(storage.runs, model))
    with pytest.raises(UserError, match="carries no limits"):
        in_force.activate(storage.storage, folder, "FP32", "Ada", "")


def test_limits_put_in_force_later_are_not_on_the_line_and_that_is_said(storage, model, gated):
    in_force.activate(storage.storage, gated, "FP32", "Ada", "")
    found = in_force.current(storage.storage, "anomaly")
    assert in_force.outdated(storage.storage, found) == ""
    later = make_threshold(storage.runs, model)
    active.activate(storage.storage, later.folder, "Bert", "")
    words = in_force.outdated(storage.storage, found)
    assert "Limits version 2 are in force, the package carries version 1" in words
    with pytest.raises(UserError, match="carries version 1"):
        in_force.activate(storage.storage, gated, "INT8", "Ada", "")


def test_a_detector_needs_no_limits(storage):
    package = make_package(storage.runs, "20261126T000000-detector-abcdef", kind="detector")
    folder = make_gate(storage.runs, package, kind="detector")
    assert in_force.activate(storage.storage, folder, "FP32", "Ada", "").threshold is None
    assert in_force.current(storage.storage, "anomaly") is None


def test_one_step_back_and_forth(storage, model, gated):
    second = make_gate(storage.runs, make_package(storage.runs, model, 1, b"second"))
    with pytest.raises(UserError, match="No package was in force before"):
        results.roll_back_package(ADA, storage, "anomaly", "")
    in_force.activate(storage.storage, gated, "INT8", "Ada", "")
    in_force.activate(storage.storage, second, "FP32", "Bert", "")
    results.roll_back_package(ADA, storage, "anomaly", "false alarms since noon")
    found = in_force.current(storage.storage, "anomaly")
    assert (found.gate_run, found.variant) == (gated.name, "INT8")
    assert (found.who, found.why) == ("Ada", "false alarms since noon")
    assert audit.newest(storage.storage)[0].action == "roll back"
    assert in_force.previous(storage.storage, "anomaly").gate_run == second.name
    assert len(in_force.history(storage.storage)) == 3


def test_a_step_back_to_what_is_gone_is_refused(storage, model, gated):
    second = make_gate(storage.runs, make_package(storage.runs, model, 1, b"second"))
    in_force.activate(storage.storage, gated, "INT8", "Ada", "")
    in_force.activate(storage.storage, second, "FP32", "Bert", "")
    gated.rename(storage.storage / gated.name)
    with pytest.raises(UserError, match="Bring it back from the trash"):
        in_force.roll_back(storage.storage, "anomaly", "Ada", "")


def test_runs_of_the_package_in_force_are_not_deleted(storage, model, gated):
    in_force.activate(storage.storage, gated, "FP32", "Ada", "")
    package = runs.spec(runs.read(gated), Spec).package_run
    for run_id, words in ((gated.name, "holds"), (package, "holds"), (model, "behind")):
        with pytest.raises(UserError, match=words):
            in_force.refuse_deletion(storage.storage, run_id)
    in_force.refuse_deletion(storage.storage, "20261126T000000-parts-000000")

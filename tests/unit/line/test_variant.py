"""The file of a package that judges on a line is the one that is in force on this computer."""

from types import SimpleNamespace

import pytest

from backend.line import variant
from backend.line.variant import Variant
from tests.unit.line.packages import package_run, variant_in_force


@pytest.fixture
def package(storage):
    return package_run(storage.runs)


def test_without_any_in_force_it_is_full_precision(storage, package):
    assert variant.of(storage.storage, package.id) == Variant()


def test_the_variant_in_force_of_this_package_judges(storage, package):
    other = package_run(storage.runs)
    file = variant_in_force(storage.storage, package)
    found = variant.of(storage.storage, package.id)
    assert (found.name, found.file) == ("INT8", file)
    assert variant.of(storage.storage, other.id) == Variant()


def test_another_computer_or_another_file_makes_it_void(storage, package, monkeypatch):
    file = variant_in_force(storage.storage, package)
    with file.open("ab") as end:
        end.write(b"x")
    assert variant.of(storage.storage, package.id) == Variant()
    variant_in_force(storage.storage, package)
    assert variant.of(storage.storage, package.id).name == "INT8"
    monkeypatch.setattr("backend.numeric.hardware.fingerprint", lambda: SimpleNamespace(id="other"))
    assert variant.of(storage.storage, package.id) == Variant()


def test_once_another_package_is_in_force_the_former_ones_variant_judges_no_more(storage, package):
    variant_in_force(storage.storage, package)
    [before] = variant.chosen(storage.storage, package.id)
    assert before.package_run == package.id
    variant_in_force(storage.storage, package_run(storage.runs))
    assert variant.chosen(storage.storage, package.id) == ()
    assert variant.of(storage.storage, package.id) == Variant()

"""Which computer this is, how fast, and a time in words."""

import dataclasses

import onnxruntime
import pytest

from backend.core import results, specs
from backend.numeric import hardware


def test_the_computers_speed_is_probed():
    assert hardware.cpu_macs_per_second() > 1e8


@pytest.mark.parametrize(
    "seconds, words",
    [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (5400, "2 h"), (172800, "2 days")],
)
def test_a_time_is_told_in_the_unit_that_suits_it(seconds, words):
    assert hardware.duration(seconds) == words


def test_a_fingerprint_tells_what_a_timing_hangs_on():
    found = hardware.fingerprint()
    assert found.onnxruntime == onnxruntime.__version__
    assert found.cores == len(hardware.usable_cores()) >= 1
    assert found.providers[0] == "CPU"
    assert found.flags == tuple(sorted(found.flags))
    assert found.optimisation == hardware.OPTIMISATION


def test_a_fingerprint_is_the_same_again_after_it_was_stored():
    found = hardware.fingerprint()
    again = results.from_json(hardware.Fingerprint, specs.to_json(found))
    assert again == found and again.id == found.id
    assert found.differences(again) == []


def test_another_machine_has_another_fingerprint():
    here = hardware.fingerprint()
    there = dataclasses.replace(here, cores=here.cores + 1, flags=("avx2",))
    assert there.id != here.id
    assert here.differences(there) == [
        f"flags: {', '.join(here.flags) or 'none'} became avx2",
        f"cores: {here.cores} became {here.cores + 1}",
    ]


def test_flags_are_those_of_vectors(monkeypatch):
    told = "fpu vme smep avx512_vnni avx2 amx_int8 avx_vnni constant_tsc asimddp"
    monkeypatch.setattr(hardware, "cpu_line", lambda *names: told)
    assert hardware._flags() == ("amx_int8", "asimddp", "avx2", "avx512_vnni", "avx_vnni")


@pytest.mark.parametrize(
    "installed, gpu, vendor, found",
    [
        ((), True, "GenuineIntel", ("CPU",)),
        (("onnxruntime-gpu",), True, "AuthenticAMD", ("CPU", "CUDA")),
        (("onnxruntime-gpu",), False, "AuthenticAMD", ("CPU",)),
        (("onnxruntime-ep-openvino",), False, "GenuineIntel", ("CPU", "OpenVINO")),
        (("onnxruntime-ep-openvino",), False, "AuthenticAMD", ("CPU",)),
    ],
)
def test_a_provider_is_offered_where_all_that_it_needs_is_there(
    monkeypatch, installed, gpu, vendor, found
):
    card = hardware.Gpu("a card", 1, 1.0)
    monkeypatch.setattr(hardware, "_version", lambda name: "1.0" if name in installed else "")
    monkeypatch.setattr(hardware, "nvidia", lambda: card if gpu else None)
    monkeypatch.setattr(hardware, "cpu_line", lambda *names: vendor)
    assert hardware.providers.__wrapped__() == found


def test_a_plugins_version_is_part_of_the_fingerprint(monkeypatch):
    monkeypatch.setattr(hardware, "providers", lambda: ("CPU", "OpenVINO"))
    monkeypatch.setattr(hardware, "_version", lambda name: "9.9")
    assert hardware.fingerprint.__wrapped__().providers == ("CPU", "OpenVINO 9.9")

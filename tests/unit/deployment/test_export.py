"""Export and latency: one ONNX file, raw crops in, the model's own scores out."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from backend.core import facts, runs, specs
from backend.deployment.export import job as export
from backend.deployment.export.spec import Spec as ExportSpec
from backend.deployment.latency import job as latency
from backend.deployment.latency import load
from backend.deployment.latency.spec import Spec as LatencySpec
from backend.inspection.model import inspector
from backend.inspection.model import job as crossval
from backend.inspection.model.spec import Spec as ModelSpec
from backend.inspection.parts import lookalikes
from backend.inspection.parts.crops import read_parts
from backend.numeric.onnx_session import open_session
from backend.records import RunState, UserError


def quiet(fraction, message="", *, step=None, metrics=None):
    assert 0 <= fraction <= 1


def new_run(root, kind):
    folder = runs.create(root, kind, {}).folder
    (folder / "artifacts").mkdir()
    return folder


def end(folder):
    runs.finish(folder, RunState.COMPLETED, result={})
    return folder.name


def make_parts(root):
    folder, rng = new_run(root, "parts"), np.random.default_rng(0)
    rows = []
    for i in range(48):
        feature, label = ("dist1", "edge1")[i % 2], int(i < 40)
        image = rng.normal(120, 6, (64, 64))
        image[:, :: 8 if i % 2 else 16] += 60 if label else 10
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(
            folder / "artifacts" / f"{i:02d}.png"
        )
        rows.append((f"p{i:02d}", f"artifacts/{i:02d}.png", feature, label, f"g{i}", ""))
    columns = ["part", "path", "feature", "label", "group", "defect"]
    facts.write(folder, "parts", pd.DataFrame(rows, columns=columns))
    return end(folder)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    inspected = new_run(root, "inspect")
    spec = ModelSpec(
        parts_run=make_parts(root),
        weights="scattering",
        size=64,
        dims=12,
        steps=10,
        timesteps=2,
        folds=2,
    )
    crossval.run(spec, inspected, quiet)
    folder = new_run(root, "export")
    result = export.run(ExportSpec(inspect_run=end(inspected)), folder, quiet)
    end(folder)
    return root, inspected, folder, result


def test_the_file_gives_the_models_scores_at_any_batch(exported):
    _, inspected, folder, result = exported
    assert result.difference <= 1e-3 and result.dynamic_batch
    model, about = inspector.load(inspected / "artifacts" / "model")
    crops, types = export.sample(folder, about, 11)
    for batch in (0, 1, 3):
        gaps = export.compare(model, folder / result.file, crops, types, batch)
        assert max(gaps) < 2e-3


def test_the_file_is_alone_and_described(exported):
    _, inspected, folder, result = exported
    assert sorted(p.name for p in (folder / "artifacts").iterdir()) == ["model.json", "model.onnx"]
    head = runs.read_json(folder / "artifacts" / "model.json")
    assert head["features"] == ["dist1", "edge1"] == list(result.features)
    assert head["sha256"] == runs.fingerprint(folder / "artifacts" / "model.onnx")
    assert head["provenance"]["inspect_run"] == inspected.name
    assert head["lookalikes"] == result.lookalikes == lookalikes.UNKNOWN
    assert result.megabytes == pytest.approx(
        (folder / "artifacts" / "model.onnx").stat().st_size / 1e6, abs=0.01
    )
    json.dumps(specs.to_json(result), allow_nan=False)


def test_the_type_matters(exported):
    _, _, folder, result = exported
    _, about = inspector.load(exported[1] / "artifacts" / "model")
    crops, types = export.sample(folder, about, 8)
    session = open_session(folder / result.file, 1)
    right, wrong = (
        session.run(["score"], {"crops": crops, "types": t})[0] for t in (types, 1 - types)
    )
    assert wrong[:3].mean() > right[:3].mean() + 3


def test_scores_that_disagree_are_not_kept(exported, tmp_path, monkeypatch):
    root, inspected, *_ = exported
    folder = new_run(root, "export")
    written = lambda model, target, *_: bool(target.write_bytes(b"x"))  # noqa: E731
    monkeypatch.setattr(export, "write", written)
    monkeypatch.setattr(export, "compare", lambda *_: (0.5, 0.5))
    with pytest.raises(UserError, match=r"differ by 0\.5"):
        export.run(ExportSpec(inspect_run=inspected.name), folder, quiet)
    assert not (folder / "artifacts" / "model.onnx").exists()


def test_sample_holds_every_type_and_label(exported):
    root, inspected, folder, _ = exported
    _, about = inspector.load(inspected / "artifacts" / "model")
    crops, types = export.sample(folder, about, 10)
    assert crops.shape == (10, 64, 64, 3) and set(types) == {0, 1}
    frame = read_parts(root / about["parts_run"]).assign(feature="other")
    with pytest.raises(UserError, match="does not know the feature 'other'"):
        export.type_index(frame, about["features"])


def test_latency_times_each_call(exported):
    root, _, exported_folder, _ = exported
    folder = new_run(root, "latency")
    spec = LatencySpec(export_run=exported_folder.name, repetitions=30, warm_up=2)
    result = latency.run(spec, folder, quiet)
    table = facts.read(folder, "latencies")
    assert table["sample"].tolist() == list(range(30))
    assert set(table["variant"]) == {"FP32, batch 1, 1 thread"} == {result.variant}
    assert 0 < result.p50 <= result.p95 <= result.p99
    assert result.p50 == pytest.approx(table["milliseconds"].median(), abs=1e-3)
    assert result.parts_per_second == pytest.approx(1000 / table["milliseconds"].mean(), rel=0.01)
    assert result.cpu and result.load.cores >= 1
    assert result.busy == load.words(result.load)
    json.dumps(specs.to_json(result), allow_nan=False)

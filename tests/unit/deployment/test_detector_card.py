"""What the model card of a packed detector says of its confidence."""

from dataclasses import asdict
from pathlib import Path

import pytest

from backend.core import facts, runs
from backend.deployment.package import cards
from backend.detection.detector.spec import Result
from backend.records import RunState


@pytest.mark.parametrize(("packed", "promised"), [(0.4, True), (0.2, False)])
def test_the_card_promises_a_rate_for_the_confidence_that_keeps_to_it_alone(
    tmp_path: Path, packed: float, promised: bool
):
    run = runs.create(tmp_path, "detector", {"dataset_run": "20260101T000000-dataset-abcdef"})
    figures = {"ap50": 0.5, "ap50_low": 0.4, "ap50_high": 0.6, "own_validation_ap50": 0.5}
    rates = {"alarm_rate": 0.1, "held_intact": 30, "held_alarmed": 2}
    shares = {"false_alarms": 0.1, "recall": 0.5, "precision": 0.5, "constant_box_ap50": 0.1}
    counts = {"test_images": 9, "test_intact": 3, "epochs": 2, "test_hash": "abc"}
    result = Result(
        **figures, **rates, **shares, **counts, confidence=0.4, real=True, pretrained=True
    )
    row = {"subject": "all test images", "metric": "AP50", "value": 0.5, "n": 9}
    facts.write(run.folder, "figures", [row])
    runs.finish(run.folder, RunState.COMPLETED, result=asdict(result))
    parity = {"n": 9, "score": 1e-5, "further": {"box": 0.01}, "flips": 0}
    head = {"name": "glass", "parity": parity, "size": 64, "classes": ["crack"], "licence": "-"}
    card = cards.detector(runs.read(run.folder), {**head, "confidence": packed})
    assert f"A box counts from {packed:.3f} on; its validation images chose 0.400" in card
    assert ("Set for at most 10 % of good parts with a false alarm" in card) == promised

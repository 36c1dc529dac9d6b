"""What limits promise, in words."""

from backend.inspection.threshold.limits import Promise

GROUNDS = (
    "It holds for GOOD parts that come from the same process as those of the calibration. Their "
    "scores each come from a model that never saw the part, while the packed "
    "model has learnt from all GOOD parts. The two differ little, so the promise carries over in "
    "practice; it is no strict proof. New GOOD parts confirm it best."
)


def promise(wanted: Promise, some_by_hand: bool) -> str:
    """What is promised of which types. some_by_hand: a person chose the limit of some."""
    kind = "any type not chosen by hand" if some_by_hand else "a type"
    if wanted.confidence:
        return (
            f"Certified: with {wanted.confidence:.0%} confidence, at most {wanted.alarm_rate:.1%} "
            f"of new GOOD parts of {kind} raise an alarm."
        )
    return (
        f"On average over plants that do the same, at most {wanted.alarm_rate:.1%} of new GOOD "
        f"parts of {kind} raise an alarm; one plant may have bad luck."
    )

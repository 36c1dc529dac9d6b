"""Has a detector learned anything, and what may be said of it? Never more than its test shows."""

from backend.detection.alarms import Held, said
from backend.detection.detector.spec import Result
from backend.glossary import DETECTION_SCORE
from backend.wording import with_interval

GAIN = "AP50 beyond the constant box"  # the figure, paired on the same images
HELD = "AP50 on real images held back"  # of trainings that one was chosen among
SCORE = DETECTION_SCORE.words
HARDLY = 0.05  # AP50 under which a detector is of no use, however sure that figure is
CONTROL = "one box in the middle of every image"
CURE = "Train it for longer, on more images or from pretrained weights."
REAL_TEST = "Lock test images, real photographs put aside, and judge a detector on them."


def learned(ap50: float, gain: float, gain_low: float | None) -> bool:
    """Is AP50 of use, and beyond the constant box's with 95 % confidence?

    gain: AP50 less the constant box's on the same images; gain_low: its lower bound, None where
    resampling moves nothing.
    """
    return ap50 >= HARDLY and (gain if gain_low is None else gain_low) > 0


def has_learned(result: Result) -> bool:
    """The same of a detector's result. One of an earlier version has no paired gain."""
    control, ap50, low = result.constant_box_ap50, result.ap50, result.ap50_low
    if result.gain is not None:
        return learned(ap50, result.gain, result.gain_low)
    return learned(ap50, ap50 - control, None if low is None else low - control)


def verdict(result: Result) -> str:
    """What a detector's result shows, in a sentence or two, and what to do where that is little."""
    n, ap50 = result.test_images, result.ap50
    if not ap50:
        return f"Found nothing yet: no box fits a defect in {n} test images. {CURE}"
    reached = with_interval(ap50, result.ap50_low, result.ap50_high)
    beside = f"{CONTROL} reaches {result.constant_box_ap50:.2f}"
    if not has_learned(result):
        return (
            f"Learned nothing yet that can be shown: {SCORE} {reached}, n = {n}; {beside}. {CURE}"
        )
    if not result.real:
        return (
            f"Finds defects on {n} rendered images, {SCORE} {reached}; {beside}. That says nothing "
            f"about your parts. {REAL_TEST}"
        )
    return f"Finds defects on {n} real photographs, {SCORE} {reached}; {beside}."


def alarms(result: Result) -> str:
    """What a detector's confidence keeps false alarms to; "" where no rate was asked."""
    return said(
        Held(
            result.alarm_rate,
            result.held_intact,
            result.held_alarmed,
            result.held_recall,
            result.held_recall_free,
            result.held_defects,
            result.held_real,
        )
    )

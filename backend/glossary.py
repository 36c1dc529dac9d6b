"""The words of pages, forms, charts and reports: for each term a sentence that explains it.

Results, columns and verbs keep the field's own names (`stored`); `said` puts them into these words
where a person reads them. A part or a class may be called "arm" or "fold": what `said` looks for
are words that no plant gives its own things.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from backend import published


@dataclass(frozen=True)
class Term:
    """words: as pages say it. meaning: a sentence without its full stop. brief: for little room.

    stored: as results, code and older runs say it → what stands there instead on a page.
    """

    words: str
    meaning: str
    brief: str = ""
    stored: Mapping[str, str] = field(default_factory=dict)

    @property
    def short(self) -> str:
        """For titles of tiles, columns and axes."""
        return self.brief or self.words


DETECTION_SCORE = Term(
    "detection score (AP50)",
    "Average precision: 1 where every defect is found, with at least half of both boxes shared, "
    "before any false alarm; 0 where none is",
    stored=dict.fromkeys(("AP50", "mAP50"), "detection score (AP50)"),
)
CLOSE_FIT = Term(
    "detection score, close fit (AP50-95)",
    "The detection score with boxes that must fit more and more closely: half to 95 % of both "
    "boxes shared",
    stored=dict.fromkeys(("AP50-95", "mAP50-95"), "detection score, close fit (AP50-95)"),
)
OWN_SCORE = Term(
    "score on its own training source (no evidence)",
    "The detection score on images held back from what the detector learned from: such images are "
    "too like the training ones to prove anything about real parts",
    stored={
        "own AP50": "score on its own training source (no evidence)",
        "own validation AP50": "score on its own training source (no evidence)",
        "own validation images": "its own training source (no evidence)",
        "own validation": "its own training source (no evidence)",
    },
)
ONE_BOX = Term(
    "check: one box in the middle",
    "The same box in the middle of every picture, whatever it shows: a detector that does no "
    "better has learned nothing",
    stored={
        "AP50 beyond the constant box": "detection score beyond one box in the middle",
        "constant box AP50": "detection score of one box in the middle",
        "a constant box": "one box in the middle",
        "constant box": "check: one box in the middle",
    },
)
GOOD_ALARMED = Term(
    "good parts with a false alarm",
    "Share of pictures without a defect on which the detector draws a box all the same",
    stored={
        "intact images with an alarm": "good parts with a false alarm",
        "share with an alarm": "share with a false alarm",
        "intact images": "good parts",
    },
)
SEPARATION = Term(
    "separation GOOD/BAD (AUROC; 0.5 guessing, 1 perfect)",
    "Chance that a BAD part scores higher than a GOOD one: 0.5 is guessing, 1 is perfect",
    "separation (AUROC)",
    stored={"an AUROC": "a separation (AUROC)", "AUROC": "separation (AUROC)"},
)
TEST_ROUND = Term(
    "test round",
    "The parts are dealt into rounds; in each, the model learns from the others and is judged on "
    "parts it never saw, all parts of a group together",
    stored={
        "out-of-fold scores": "scores of parts never learned from",
        "out of fold": "of parts never learned from",
        **{f"{which} fold": f"{which} test round" for which in ("one", "every", "a", "training")},
        **{
            f"{which} folds": f"{which} test rounds"
            for which in ("the", "training", "grouped", "same", "all", "fewer", "more", "many")
        },
    },
)
VARIANT = Term(
    "variant",
    "One way to make up the training images, as real ones alone or with synthetic ones; all else "
    "is the same, so that the difference is theirs",
)
SETTINGS_WORTH = Term(
    "what each setting brings",
    "The same model with one setting changed at a time, in the same test rounds",
    stored={"ablations": "what each setting brings", "ablation": "what each setting brings"},
)
LOCKED = Term(
    "locked test images",
    "Photographs put aside to judge by: nobody can change them unseen, and nothing made later "
    "learns from them",
    stored={
        "the frozen test set": "the locked test images",
        "a frozen test set": "locked test images",
        "frozen test sets": "locked test images",
        "frozen test set": "locked test images",
    },
)
GLASS_PAPER = Term(
    "the glass paper",
    f"“{published.GLASS_PAPER}”: Stable Diffusion paints defects, a small "
    "student learns to paint them, and YOLOv5s learns from those",
    stored={"source A": "the glass paper"},
)
INKJET_PAPER = Term(
    "the inkjet paper",
    f"“{published.INKJET_PAPER}”: inkjet-printed parts, GOOD or BAD, are scored by a "
    "conditional diffusion",
    stored={"source B": "the inkjet paper"},
)
PRECISION = Term("right of its boxes (precision)", "Share of the drawn boxes that fit a defect")
RECALL = Term("defects found (recall)", "Share of the defects that a box fits")
CONFIDENCE = Term(
    "confidence", "How sure the model is of a box, 0 to 1; below the limit none is drawn"
)
ALIKE = Term(
    "likeness in pairs (SSIM)",
    "Structure that two pictures have in common: 1 the same, 0 none; a grey field does well too",
)
SET_DISTANCE = Term(
    "distance of the sets (KID)",
    "How far a set of pictures is from another: 0 is alike, a grey field has some hundreds",
)

TERMS: tuple[Term, ...] = (
    *(DETECTION_SCORE, CLOSE_FIT, OWN_SCORE, ONE_BOX, GOOD_ALARMED, PRECISION, RECALL, CONFIDENCE),
    *(SEPARATION, TEST_ROUND, VARIANT, SETTINGS_WORTH, LOCKED, ALIKE, SET_DISTANCE),
    *(GLASS_PAPER, INKJET_PAPER),
    Term("interval", "Where the true figure lies with 95 % confidence; wide ones need more images"),
    Term(
        "p after Holm", "Chance of so large a difference by luck, the other comparisons counted in"
    ),
    Term("beyond chance", "The interval leaves out 0, and p after Holm is under 0.05"),
    Term("overlap (IoU)", "Shared area of two boxes or masks over the area of both: 1 is the same"),
    Term("best balance (F1)", "Mean of precision and recall that is high only where both are"),
    Term("specimen", "One part, however many pictures show it; intervals count specimens"),
    Term("group", "Parts of one component, batch or camera; they stay together in a test round"),
    Term("feature type", "What a picture of a part shows, as an edge or dots; each has its limits"),
    Term(
        "near-duplicate", "A picture that looks like another: it must not be trained and tested on"
    ),
    Term("seed", "The number that chance starts from; another seed shows how far a figure wanders"),
    Term(
        "teacher", "What makes the images a student learns from: renderer, diffusion, your folder"
    ),
    Term("student", "A generator of a few megabytes that learned to paint its teacher's images"),
    Term("synthetic image", "One that a program made, with its defects' outlines known exactly"),
    Term("good part", "One without a defect"),
    Term("anomaly score", "How unlike the GOOD parts of its type a part looks; higher is worse"),
    Term("anomaly map", "The score place by place over the picture: bright where it looks unlike"),
    Term("good-only", "No BAD part in training or calibration"),
    Term("uses-bad", "Learns from known BAD parts too; compare its figures with no good-only ones"),
    Term("limit", "The score above which a part is called BAD, or goes to a person for review"),
    Term("promised", "Kept for new GOOD parts of the same process, on average or certified"),
    Term("review", "A score between the two limits: a person looks at the part"),
    Term("missed", "A BAD part that is called GOOD"),
    Term("escape", "A BAD part that the line called GOOD, so that it goes on to the customer"),
    Term(
        "agreement (kappa)",
        "How far two or more agree beyond chance: 1 always, 0 as by chance; good from 0.75 on",
    ),
    Term(
        "a90, a90/95",
        "The size of a defect that is found with 90 %, and its upper bound at 95 % confidence",
    ),
    Term(
        "red rabbit",
        "A known defect painted onto a GOOD part, to see whether the line finds it; never a part",
    ),
    Term("drawn by lot", "Chosen by chance, whatever the verdict: a few stand for all"),
    Term("drift", "Scores are no longer like those that the limits were made on"),
    Term("suspended", "The limits still judge, but promise nothing until somebody recalibrates"),
    Term("baseline", "A simpler method judged on the same parts, to see what the model adds"),
    Term("PaDiM, Mahalanobis", "Baselines: how far features lie from the mean of GOOD ones"),
    Term("kNN, PatchCore", "Baselines: how far features lie from the nearest GOOD ones"),
    Term("flow", "A baseline that learns how likely features of GOOD parts are"),
    Term("diffusion", "Learns to take noise out; scores, or paints, by what it expects to see"),
    Term("features", "Numbers in which a network describes each patch of a picture"),
    Term("ONNX", "A file format in which a model runs without this program"),
    Term("FP32, INT8", "Numbers of 32 bits, or of 8: smaller and often faster, checked to agree"),
    Term("candidate", "Another package, or other limits, that judges beside a line, unheard"),
    Term("recording", "The parts around an alarm of a line, to be judged again elsewhere"),
    Term("within, of 95 %", "95 of 100 parts take no longer than this"),
)

LEAST = 1e-9  # what is nearer to 0 is not written out
LABELS = {  # fields whose name says it otherwise
    **{"arms": "Variants", "folds": "Test rounds", "budget": "Budget, ms"},
    **{"series": "Measured besides", "start": "Begins from"},
    **{"turned_allowed": "Verdicts that may turn", "speed": "Times as fast"},
    **{"budget_ms": "Budget, ms", "least_psnr": "Least likeness (dB)", "parity": "Exactness"},
    **{"least_iou": "Least overlap of masks", "nodes": "Nodes in INT8", "units": "Pieces"},
    **{"box": "A box makes BAD from", "box_review": "A box makes REVIEW from"},
    **{"rabbits": "Red rabbits a shift", "rabbit_material": "Material of red rabbits"},
    **{"rabbit_student": "Student that paints red rabbits"},
    **{"defects_most": "Most defects in an image (0: as suits)", "faint_most": "Most faint marks"},
    **{"goods_run": "Photographs of good parts", "intact_share": "Share without a defect"},
    **{"inspect_run": "Anomaly model", "dataset_run": "Data set", "dataset_runs": "Data sets"},
    **{"real_run": "Real images", "synthetic_runs": "Synthetic images", "threshold_run": "Limits"},
    **{"test_run": "Locked test images", "teacher_run": "Teacher images"},
    **{"donors_run": "Images to cut defects from", "similarity_run": "Similarity"},
    **{"dims": "Components kept", "zoom": "Times enlarged", "opset": "ONNX opset"},
    **{"held_share": "Share held back"},
    **{"bits": "Bits a channel", "sink": "Who is told", "move": "Move judged files"},
}

_SAID = {name.lower(): words for term in TERMS for name, words in term.stored.items()}
_FIGURES = {*OWN_SCORE.stored, *ONE_BOX.stored, *GOOD_ALARMED.stored}  # no part of a sentence


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w(+/-])({either})(?![\w+/-])", re.IGNORECASE)


_PATTERN = _pattern(_SAID)
_PROSE = _pattern(_SAID.keys() - {name.lower() for name in _FIGURES})


def said(text: str) -> str:
    """A text of a result or an older run in the words of pages; what is in them stays."""
    return _PATTERN.sub(_in_words, text)


def said_in_prose(text: str) -> str:
    """Sentences in the words of pages: names of figures, which would not fit into them, stay."""
    return _PROSE.sub(_in_words, text)


def _in_words(found: re.Match[str]) -> str:
    """The words for what was found, with a capital where it had one, as at a sentence's start."""
    words, name = _SAID[found.group().lower()], found.group()
    sentence = name[0].isupper() and not name.isupper() and name[1:2].islower()
    return words[0].upper() + words[1:] if sentence else words


def called(name: str) -> str:
    """A setting or figure of a result as a person reads its name."""
    label = LABELS.get(name)
    return label[0].lower() + label[1:] if label else said(name.replace("_", " "))


def value(found: Any) -> str:
    """A value of a setting or a result as a person reads it; a dash where there is none."""
    if found is None or found == "" or found != found:
        return "–"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, float):
        return _number(found)
    if isinstance(found, (list, tuple)):
        return ", ".join(value(part) for part in found) or "–"
    if isinstance(found, dict):
        return ", ".join(f"{str(k).replace('_', ' ')} {value(v)}" for k, v in found.items()) or "–"
    return str(found)


def _number(found: float) -> str:
    """In three figures that count, from 1,000 on as a whole number."""
    if abs(float(f"{found:.3g}")) >= 1000:
        return f"{found:,.0f}"
    if 0 < abs(found) < LEAST:
        return "nearly 0"
    return format(Decimal(f"{found:.3g}"), "f")

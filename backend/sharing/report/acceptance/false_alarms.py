"""False alarms: what the limits promise, whether the promise stands, and what people found."""

from backend.core import runs
from backend.core.runs import Run
from backend.deployment.package import contract
from backend.inspection.threshold import told
from backend.inspection.threshold.spec import Result, Spec
from backend.line.promise import standing
from backend.line.review import rates
from backend.records import UserError
from backend.sharing.report.acceptance.evidence import Evidence, Subject
from backend.sharing.report.items import Item
from backend.sharing.report.kinds import threshold

TITLE = "Certified false alarms"
CURE = (
    "Make limits with the promise “certified” on the page Threshold (59 GOOD parts of a type for "
    "5 % at 95 % confidence), and let the line judge with them."
)


def evidence(about: Subject) -> Evidence:
    """The promise of the limits in use, and false alarms among reviewed parts."""
    package = contract.read(contract.folder_of(about.runs_folder / about.used.package_run))
    if package.kind == contract.DETECTOR:
        raise UserError(
            "A detector promises nothing about false alarms. What people found among GOOD parts "
            "drawn by lot stands under Escapes."
        )
    if not about.used.threshold_run:
        raise UserError(f"The line judges without limits that promise anything. {CURE}")
    run = about.run(about.used.threshold_run)
    result, spec = runs.result(run, Result), runs.spec(run, Spec)
    if set(result.ready) <= set(result.by_hand):
        raise UserError(f"No limit in use promises anything. {CURE}")
    reviewed = rates.words(rates.of(about.rows, about.said).false_alarms)
    found = (
        f"{told.promise(spec.wanted, bool(result.by_hand))} Found by people among GOOD parts drawn "
        f"by lot: {reviewed}."
    )
    return Evidence(TITLE, found, " ".join(_missing(about, spec, result)), tuple(_items(run)))


def _items(run: Run) -> list[Item]:
    """The table of limits; its histograms stand in the limits' own report."""
    return [next(threshold.items(run))]


def _missing(about: Subject, spec: Spec, result: Result) -> list[str]:
    words = []
    if not spec.wanted.confidence:
        words.append(f"The promise holds on average over plants, and is not certified. {CURE}")
    if result.by_hand:
        words.append(f"Chosen by hand, without a promise: {', '.join(result.by_hand)}.")
    if result.short:
        words.append(f"Without a limit for want of GOOD parts: {', '.join(result.short)}.")
    now = standing.read(about.home)
    if now is None or now.words:
        words.append("Whether scores drifted since is not watched: start the line again.")
    elif now.suspended:
        words.append(
            f"The promise is suspended, for the scores of {', '.join(sorted(now.suspended))} "
            "drifted. Put right what changed, or recalibrate, on the page Promise."
        )
    return words

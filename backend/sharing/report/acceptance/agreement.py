"""Attribute agreement: do people agree with themselves, with each other, and with the line?"""

from backend.line.review import agreement, repeats
from backend.line.review.agreement import ALL, BETWEEN, SYSTEM, WITHIN, Agreement
from backend.sharing.report.acceptance.evidence import Evidence, Subject
from backend.sharing.report.items import Table

TITLE = "Attribute agreement"
ADVISED = 50  # parts of an attribute study (AIAG)
METHOD = (
    "An attribute study as measurement system analysis (MSA) knows it, from the review queue: "
    "parts come again by lot, unseen, to the same person and to others, and nobody sees the line's "
    "word. Kappa is agreement beyond chance: Cohen's of two, Fleiss' of several; from 0.75 on "
    "good, below 0.40 poor (AIAG). Its interval is Cohen's with exact limits of the share that "
    "agrees; agreement by chance counts as known."
)
LACKS = {
    WITHIN: "nobody judged a part twice",
    BETWEEN: "no part was judged by two people",
    SYSTEM: "no part drawn by lot that the line called GOOD or BAD was judged",
}


def evidence(about: Subject) -> Evidence:
    """A row a person, a pair, all together, and the line."""
    again = repeats.of(about.home)
    made = agreement.found(about.rows, about.said, again.holds)
    lacking = [words for kind, words in LACKS.items() if not any(one.kind == kind for one in made)]
    few = [one for one in made if one.kappa.n < ADVISED]
    missing = f"{'; '.join(lacking).capitalize()}. {_cure(again.share)}" if lacking else ""
    if few and not lacking:
        missing = f"An attribute study asks for {ADVISED} parts: fewer are behind some of these."
    if not made:
        return Evidence(TITLE, missing=missing)
    table = Table("5-agreement", TITLE, METHOD, agreement.table(made))
    return Evidence(TITLE, _said(made), missing, (table,))


def _cure(share: float) -> str:
    if not share:
        return "Set the line's “Repeat share” above 0, and go on with the page Review queue."
    return (
        f"{share:.0%} of the parts that people look at come again by lot: go on with the page "
        "Review queue, and let a second person do so too."
    )


def _said(made: list[Agreement]) -> str:
    """The least kappa of each kind."""
    said = []
    for kind in (WITHIN, BETWEEN, ALL, SYSTEM):
        known = [one for one in made if one.kind == kind and one.kappa.known]
        if known:
            least = min(known, key=lambda one: one.kappa.value)
            value = f"{least.kappa.value:.2f} [{least.kappa.low:.2f}, {least.kappa.high:.2f}]"
            said.append(f"{kind} {value} of {least.kappa.n}")
    if not said:
        return "Everything was called the same, so kappa tells nothing."
    return f"Least kappa: {'; '.join(said)} parts.".replace("[-", "[−").replace(" -", " −")

"""Words that no page, form, chart or report shows: the glossary has others for them.

Ids of runs have the kind's name between dashes, as commands have.
"""

import re

RULED_OUT = re.compile(
    r"intact alarmed|\bown AP50|(?<!\()\bm?AP50\b|(?<!\()\bAUROC\b|\bfolds?\b|\barms?\b"
    r"|constant box|(?<!-)\bablations?\b|\bfrozen\b|\bfreeze\b|\bsource [AB]\b|was failed"
    r"|(?<![\d.,])\b1 (?:images|parts|boxes|photographs|steps|seeds|comparisons|groups|labels) ",
    re.IGNORECASE,
)


def ruled_out(text: str) -> list[str]:
    """Each such word with what stands around it."""
    return [text[max(0, m.start() - 40) : m.end() + 40] for m in RULED_OUT.finditer(text)]

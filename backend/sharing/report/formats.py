"""The forms in which a report is taken away, by the ending of its file."""

from collections.abc import Mapping

from backend.core.runs import Run
from backend.records import UserError
from backend.sharing.report import archive, page, paper
from backend.sharing.report.items import Report

HTML, STATIC, PDF, ZIP = "html", "static", "pdf", "zip"
ENDINGS = {HTML: ".html", STATIC: ".html", PDF: ".pdf", ZIP: ".zip"}


def of_file(name: str, static: bool) -> str:
    """The form that a file's name asks for. Raises UserError for any other ending."""
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    if ending == ".html":
        return STATIC if static else HTML
    found = next((form for form, each in ENDINGS.items() if each == ending), "")
    if not found:
        raise UserError(f"'{name}' must end in .html, .pdf or .zip. Give it one of these endings.")
    return found


def written(report: Report, made: Mapping[str, Run], form: str) -> bytes:
    """The content of the file. made: the runs behind it. Raises UserError where it cannot be."""
    if form == ZIP:
        return archive.to_zip(report, made)
    if form == PDF:
        return paper.to_pdf(page.to_html(report, static=True))
    return page.to_html(report, static=form == STATIC).encode()

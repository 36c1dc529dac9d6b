"""A report made in a process of its own: the dashboard goes on serving others meanwhile."""

import json
import os
import subprocess
import sys
from pathlib import Path

from backend.records import Shortage, UserError
from backend.settings import PROJECT
from backend.sharing.report import scope as scopes
from backend.sharing.report.scope import Scope

PATIENCE = 300  # seconds
FAILED = "The report could not be made. The server's log says why; your data is untouched."


def made(storage: Path, scope: Scope, form: str) -> tuple[str, bytes]:
    """Title and content of the file. Raises UserError where it cannot be."""
    request = {"storage": str(storage), "form": form, "scope": scope.to_json()}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "backend.sharing.report.apart"],
            input=json.dumps(request).encode(),
            stdout=subprocess.PIPE,
            timeout=PATIENCE,
            cwd=PROJECT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Shortage("The report took too long: this computer is busy. Try again.") from error
    head, _, content = done.stdout.partition(b"\n")
    if done.returncode or not head:
        raise Shortage(FAILED)
    told = json.loads(head)
    if told["error"]:
        raise UserError(told["error"])
    return told["title"], content


def main() -> None:
    """Answer the request of standard input: a line of JSON, then the file."""
    from backend.sharing.report import asked, formats

    os.nice(5)
    request = json.loads(sys.stdin.buffer.read())
    storage, scope = Path(request["storage"]), scopes.from_json(request["scope"])
    told, content = {"error": "", "title": ""}, b""
    try:
        report = asked.report(storage, scope)
        runs = {run.id: run for run in asked.found(storage, scope)}
        content = formats.written(report, runs, request["form"])
        told["title"] = report.title
    except UserError as error:
        told["error"] = str(error)
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + content)


if __name__ == "__main__":
    main()

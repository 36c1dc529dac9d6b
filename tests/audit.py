"""Known weaknesses in the pinned packages: `make audit`, and so `make lint`.

pip-audit asks PyPI's list of advisories. Where that list is out of reach, on a closed network say,
nothing is looked at; that is said, and is no failure. uv fetches pip-audit for this one use: who
can reach the list can reach the package.
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from backend.install import DEVELOPMENT, REQUIREMENTS

TOOL = "pip-audit==2.10.1"
ADVISORIES = "https://pypi.org/pypi/pip/24.0/json"  # a mirror of packages has no page a version
UVX = Path(sys.executable).parent / "uvx"


def main() -> int:
    """1 where a package has a known weakness."""
    report = audited() if is_in_reach(ADVISORIES) else None
    looked_at = [row for row in report or [] if not row.get("skip_reason")]
    if not looked_at:
        print("Dependency audit: NOT DONE, PyPI's list of advisories cannot be reached.")
        return 0
    found = weaknesses(looked_at)
    print("\n".join(found))
    unknown = len(report or []) - len(looked_at)
    print(
        f"Dependency audit: {len(looked_at)} packages looked at, {len(found)} known weaknesses; "
        f"{unknown} that PyPI does not know."
    )
    return bool(found)


def is_in_reach(address: str) -> bool:
    """Whether advisories come from there."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return "vulnerabilities" in json.load(answer)
    except (OSError, ValueError):
        return False


def audited() -> list[dict[str, Any]] | None:
    """pip-audit's row a package; None where it could not look."""
    command = [str(UVX), "--from", TOOL, "pip-audit", "--disable-pip", "--no-deps"]
    command += ["-r", str(REQUIREMENTS), "-r", str(DEVELOPMENT), "-f", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return list(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError):
        print(done.stderr.strip()[-500:], file=sys.stderr)
        return None


def weaknesses(report: list[dict[str, Any]]) -> list[str]:
    """A line a weakness: package, its name, and the versions without it."""
    return [
        f"{row['name']} {row['version']}: {one['id']}, "
        + (f"mended in {', '.join(one['fix_versions'])}" if one["fix_versions"] else "not mended")
        for row in report
        for one in row.get("vulns", [])
    ]


if __name__ == "__main__":
    sys.exit(main())

"""Which of a package's files judges: the variant that is in force here, else full precision."""

from dataclasses import dataclass
from pathlib import Path

from backend.core import runs
from backend.deployment import in_force
from backend.deployment.gate.spec import FP32
from backend.deployment.in_force import Activation
from backend.deployment.package import contract
from backend.numeric import hardware


@dataclass(frozen=True)
class Variant:
    """file: None for the package's own model. sha256: of the file, "" for the package's own.

    What the golden parts gave by a file when it judged first is kept in the line's folder.
    """

    name: str = FP32
    file: Path | None = None
    sha256: str = ""

    def remembered(self, home: Path | None) -> dict[str, float]:
        """Golden part → its score then; {} for the package's own model, and before the first."""
        path = self._kept(home)
        return runs.read_json(path) if path and path.exists() else {}

    def remember(self, home: Path | None, scores: dict[str, float]) -> None:
        """Keep the scores of the golden parts, unless some are kept."""
        path = self._kept(home)
        if path and not path.exists():
            runs.write_json(path, scores)

    def _kept(self, home: Path | None) -> Path | None:
        return home / f"golden-{self.sha256[:12]}.json" if home and self.file else None


def chosen(storage: Path, package_run: str) -> tuple[Activation, ...]:
    """What is in force of this package; nothing once another package of its kind is."""
    place = runs.project_of(storage / "runs" / package_run)
    newest = {one.kind: one for one in in_force.history(storage, project=place)}
    return tuple(
        one
        for kind in (contract.ANOMALY, contract.DETECTOR)
        if (one := newest.get(kind)) and one.package_run == package_run
    )


def of(storage: Path, package_run: str) -> Variant:
    """The variant of a package that its gate let on the line, on this very computer; where it is
    void here, full precision."""
    for one in chosen(storage, package_run):
        if one.variant != FP32:
            return _checked(storage, one) or Variant()
    return Variant()


def _checked(storage: Path, one: Activation) -> Variant | None:
    file = in_force.file_of(storage / "runs" / one.gate_run, one.package_run, one.variant)
    here = hardware.fingerprint().id == one.machine
    if not here or not file.is_file() or contract.sha256(file) != one.sha256:
        return None
    return Variant(one.variant, file, one.sha256)

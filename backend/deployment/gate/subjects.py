"""Which subject a package is."""

from backend.core.runs import Run
from backend.deployment.gate.anomaly import AnomalySubject
from backend.deployment.gate.detector import DetectorSubject
from backend.deployment.gate.spec import Spec
from backend.deployment.gate.student import StudentSubject
from backend.deployment.gate.subject import Subject
from backend.deployment.package.contract import ANOMALY, DETECTOR, Package


def of(package: Package, run: Run, spec: Spec) -> Subject:
    """The subject of a package's run. Raises UserError where its pictures are gone or too few."""
    if package.kind == ANOMALY:
        return AnomalySubject(package, run, spec)
    if package.kind == DETECTOR:
        return DetectorSubject(package, run, spec)
    return StudentSubject(package, run, spec)

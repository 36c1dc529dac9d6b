"""Which folders of the server, and which addresses, somebody may name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.access import hosts
from backend.access.rights import Role
from backend.core import registry, specs
from backend.core.audit import Actor
from backend.records import UserError
from backend.settings import Settings

OUTSIDE = ("sink", "camera")  # fields of a line that name an address
LISTENS = ("host", "metrics_host")  # fields of a line that say who can reach it


def check(actor: Actor, settings: Settings, kind: str, values: Mapping[str, Any]) -> None:
    """Raises UserError where a setting names a place that only an admin may."""
    if actor.role is Role.ADMIN:
        return
    roots = (settings.uploads.resolve(), *settings.folders)
    for p in specs.params(registry.get(kind).spec_type):
        named = str(values.get(p.name) or "") if p.path else ""
        if named and not any(_meant(named).is_relative_to(root) for root in roots):
            places = ", ".join(str(root) for root in settings.folders) or "none yet"
            raise UserError(
                f"{p.label}: only an admin may name '{named}'. Upload the files, or ask an admin "
                f"to add the folder to DISTILLERY_FOLDERS (there: {places})."
            )
    outside = [name for name in OUTSIDE if kind == "line" and values.get(name)]
    if outside:
        raise UserError(
            f"{outside[0].capitalize()}: only an admin lets a line speak with another computer, or "
            "write elsewhere. Ask one to start it."
        )
    heard = [name for name in LISTENS if kind == "line" and values.get(name)]
    if any(values[name] not in hosts.LOCAL for name in heard):
        raise UserError(
            "Host: only an admin opens a line to the network. Take 127.0.0.1, or ask one to start "
            "it."
        )


def _meant(path: str) -> Path:
    """Where it really leads, as a job would follow it."""
    try:
        return Path(path).expanduser().resolve()
    except (RuntimeError, OSError, ValueError) as error:
        raise UserError(f"'{path}' is no path on this computer. Correct it.") from error

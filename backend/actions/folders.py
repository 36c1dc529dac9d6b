"""Which folders of the server, and which addresses, somebody may name."""

from collections.abc import Mapping
from typing import Any

from backend.access import hosts
from backend.access.rights import Role
from backend.core import jobs, registry, specs
from backend.core.audit import Actor
from backend.inspection.ablation.spec import grid
from backend.inspection.model.spec import Spec as ModelSpec
from backend.records import UserError
from backend.settings import Settings

MODELS = ("model", "backbone")  # fields that take a model's name, or where it lies
OUTSIDE = ("sink", "camera")  # fields of a line that name an address
LISTENS = ("host", "metrics_host")  # fields of a line that say who can reach it


def check(actor: Actor, settings: Settings, kind: str, values: Mapping[str, Any]) -> None:
    """Raises UserError where a setting names a place that only an admin may."""
    if actor.role is Role.ADMIN:
        return
    roots = (settings.uploads.resolve(), *settings.folders)
    for p in specs.params(registry.get(kind).spec_type):
        named = str(values.get(p.name) or "")
        within = (*roots, settings.weights.resolve()) if p.name in MODELS else roots
        is_place = bool(named) and (p.path or (p.name in MODELS and jobs.is_place(named)))
        if is_place and not any(jobs.place(named).is_relative_to(root) for root in within):
            places = ", ".join(str(root) for root in settings.folders) or "none yet"
            raise UserError(
                f"{p.label}: only an admin may name '{named}'. Upload the files, or ask an admin "
                f"to add the folder to DISTILLERY_FOLDERS (there: {places})."
            )
    if kind == "ablation":
        for changed in grid(
            ModelSpec(parts_run="any"), tuple(values.get("changes") or ())
        ).values():
            check(actor, settings, "inspect", vars(changed))
    if kind == "line" and values.get("producer"):
        raise UserError(
            "Producer: only an admin names the library of a camera's maker, for it runs as a "
            "program of this computer. Ask one to start the line."
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

"""The diffusion's score with one of its parts left out or changed, by the names of their rows."""

from collections.abc import Iterable, Iterator, Sequence

DIFFUSION = "diffusion"
UNTRAINED = "untrained"
ONE_FOR_ALL = f"{DIFFUSION}, the same for all types"  # beside the best of each type
REFERENCES = ("nearest", "mean")


def is_variant(method: str) -> bool:
    """Is it the diffusion with something left out or changed, and so no baseline?"""
    return method != DIFFUSION and method.split(", ")[0] in (DIFFUSION, UNTRAINED)


def main(methods: Iterable[str]) -> list[str]:
    """The diffusion, its untrained start and the baselines, without the other variants."""
    return [m for m in methods if ", " not in m]


def baselines(methods: Iterable[str]) -> list[str]:
    """The methods that the diffusion is compared with."""
    return [m for m in methods if m != DIFFUSION and not is_variant(m)]


def with_reference(name: str, reference: str) -> str:
    """`untrained, reference mean`."""
    return f"{name}, reference {reference}"


def alone(feature_set: str) -> str:
    """`diffusion, coco alone`."""
    return f"{DIFFUSION}, {feature_set} alone"


def pairs(methods: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(With, without): what is compared to tell what a part adds, for the methods there are."""
    whole = ONE_FOR_ALL if ONE_FOR_ALL in methods else DIFFUSION
    for method in methods:
        name, _, changed = method.partition(", ")
        if name == UNTRAINED:
            yield (f"{DIFFUSION}, {changed}" if changed else whole), method
        elif changed:
            yield (DIFFUSION if method == whole else whole), method


def added(with_part: str, without: str) -> str:
    """What the difference of the two is made by, in words."""
    name, _, changed = without.partition(", ")
    if without == ONE_FOR_ALL:
        return "the best of each type"
    if name == UNTRAINED:
        return f"training ({changed})" if changed else "training"
    kind, _, value = changed.partition(" ")
    if kind == "reference":
        return f"reference {other(value)} instead of {value}"
    return f"the other features beside {changed.removesuffix(' alone')}"


def other(reference: str) -> str:
    """The reference that is not this one."""
    return next(r for r in REFERENCES if r != reference)

"""What a student's samples are worth, in words."""

from collections.abc import Mapping

from backend.core.facts import Figure

NEAR = 0.5  # of the distance of a grey field: samples farther off are not like the teacher's images


def is_near(kid: Figure, grey: float) -> bool:
    """Are samples surely like the teacher's images? grey: KID of a grey field."""
    return kid.high < NEAR * grey


def is_far(kid: Figure, grey: float) -> bool:
    """Are they surely not? Where neither holds, nothing can be told yet."""
    return kid.low >= NEAR * grey


def of_samples(by_name: Mapping[tuple[str, str], Figure]) -> str:
    """That fresh samples are hardly nearer to the teacher's images than a plain grey field, by
    their KID; "" where they are nearer, or nothing is known of it."""
    kid, grey = by_name.get(("samples", "KID")), by_name.get(("mean image", "KID"))
    if kid is None or grey is None or not is_far(kid, grey.value):
        return ""
    return (
        f"Its fresh samples are far from images it never saw (KID {kid.value:.0f} [{kid.low:.0f}, "
        f"{kid.high:.0f}], n = {kid.n}; a grey field {grey.value:.0f}, alike 0). Distil from more "
        "images, or for longer."
    )

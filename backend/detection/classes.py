"""The classes of a data set."""

from collections.abc import Collection, Iterable

ONE_CLASS = ("defect",)


def names(wanted: str, of_each: Iterable[Collection[str]]) -> tuple[str, ...]:
    """The data set's classes. wanted: `one`, `keep` (those of the sources), or a list."""
    if wanted == "one":
        return ONE_CLASS
    if wanted == "keep":
        return tuple(sorted(frozenset().union(*of_each))) or ONE_CLASS
    return tuple(dict.fromkeys(word.strip() for word in wanted.split(",") if word.strip()))

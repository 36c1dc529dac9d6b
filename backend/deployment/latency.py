from dataclasses import dataclass


@dataclass(frozen=True)
class Spec:
    pass

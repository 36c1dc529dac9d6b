"""Makes the kind `probe` known in every child process of a test (this folder is on its path)."""

from backend import registry

_kind = registry.Kind("probe", "synthesis", "Probe", "For tests.", "probe_kind")
registry.KINDS = (*registry.KINDS, _kind)
registry._BY_NAME["probe"] = _kind

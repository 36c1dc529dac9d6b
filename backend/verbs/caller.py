"""Who calls on the command line."""

import contextlib
import getpass

from backend.access.rights import Role
from backend.core.audit import Actor, Way

REFUSED = 4  # the exit code where it was done, but what was judged is refused


def actor() -> Actor:
    """The user of this computer who called: who can write to the storage folder may do all."""
    with contextlib.suppress(OSError, KeyError, ImportError):  # a container may know no user
        return Actor(getpass.getuser(), Way.COMMAND_LINE, Role.ADMIN)
    return Actor("", Way.COMMAND_LINE, Role.ADMIN)

"""What an exception that ends a job says to a person, and whether the job can go on after it."""

import errno
import sys
from pathlib import Path

from backend.records import Cause, Shortage, UserError
from backend.settings import PROJECT, settings

NO_MEMORY = (
    *("out of memory", "can't allocate memory", "cannot allocate memory", "bad_alloc"),
    *("failed to allocate", "insufficient memory", "excessive memory usage"),
)
DISK_FULL = ("no space left", "disk quota exceeded", "failed writing file", "file write failed")
_WORDS = {
    errno.EACCES: "permission denied. Give the account that runs this program the right to it",
    errno.EPERM: "this is not permitted. Give the account that runs this program the right to it",
    errno.EROFS: "it is read-only. Make it writable, or set DISTILLERY_STORAGE to another folder",
    errno.EIO: "the drive does not answer as it should. Check the drive and its cable",
    errno.EMFILE: "too many files are open. Raise the limit (ulimit -n), or use fewer jobs",
    errno.ENFILE: "too many files are open on this computer. Close other programs",
    errno.ESTALE: "the network folder was lost. Mount it again",
    errno.ENOTCONN: "the network folder is not connected. Mount it again",
    errno.EHOSTDOWN: "the network folder does not answer. Check the network",
    errno.ETIMEDOUT: "the network folder does not answer. Check the network",
    errno.ENODEV: "the drive is gone. Connect it again",
    errno.ENXIO: "the drive is gone. Connect it again",
}


def explain(error: BaseException) -> str:
    """One sentence a person can act on."""
    if isinstance(error, UserError):
        return str(error)
    return _shortage(error) or _fault(error)


def cause_of(error: BaseException) -> Cause:
    """Why the job ended, and so whether it can go on."""
    if isinstance(error, UserError):
        return Cause.SHORTAGE if isinstance(error, Shortage) else Cause.MISTAKE
    return Cause.SHORTAGE if _shortage(error) else Cause.FAULT


def _fault(error: BaseException) -> str:
    first_line = (str(error).splitlines() or [""])[0].rstrip(". ")
    what = f"{type(error).__name__}: {first_line}".removesuffix(": ")
    return (
        f"This is a fault of the program, not of your data: {what}; "
        "details in the log, log.txt in the run's folder."
    )


def _shortage(error: BaseException) -> str:
    """What this computer lacked, in a sentence; "" where the error speaks of nothing such."""
    words, number = str(error).lower(), getattr(error, "errno", None)
    if isinstance(error, MemoryError) or _speaks(words, NO_MEMORY) or number == errno.ENOMEM:
        return (
            "Not enough memory. Use a smaller batch, image size or model, or close other programs."
        )
    if _speaks(words, DISK_FULL) or number in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full. Free some space (Storage page), then resume the run."
    return _about_file(error) if isinstance(error, OSError) else ""


def _speaks(words: str, of: tuple[str, ...]) -> bool:
    return any(said in words for said in of)


def _about_file(error: OSError) -> str:
    """The file that could not be read or written, and the cure; "" for a fault of the program."""
    name = error.filename
    where = f"Cannot use '{name}': " if name else "A file cannot be used: "
    if error.errno in _WORDS:
        return f"{where}{_WORDS[error.errno]}, then resume the run."
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and name and _is_users(Path(str(name))):
        return f"'{name}' is no longer there. Put it back, then resume the run."
    return ""


def _is_users(path: Path) -> bool:
    """Is it a file of the user's own, none of this program's?"""
    ours = (PROJECT, settings().storage, Path(sys.prefix), Path(sys.base_prefix))
    return path.is_absolute() and not any(path.is_relative_to(folder) for folder in ours)

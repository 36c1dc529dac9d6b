"""Where things are and how much may run: read once from the environment."""

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backend.records import UserError

PROJECT = Path(__file__).resolve().parent.parent
CLUSTER = re.compile(r"local:[1-9]\d{0,2}|(?:ray://)?(?!local:)[\w.-]+:\d{1,5}")


@dataclass(frozen=True)
class Settings:
    """Environment of this installation.

    storage: every byte of state (DISTILLERY_STORAGE).
    max_jobs: jobs at the same time; 0: none is started, nor a line, and no notice is
    sent (DISTILLERY_MAX_JOBS).
    threads: CPU threads for a job's numeric libraries (DISTILLERY_THREADS).
    open: nobody has to sign in, wherever they come from (DISTILLERY_OPEN).
    hosts: names by which browsers reach the server, beside its own (DISTILLERY_HOSTS, by commas).
    folders: beside the storage folder, what others than admins may name on the server
    (DISTILLERY_FOLDERS, as PATH is written).
    idle_hours, session_days: a session ends after so long without use, and after so long at all
    (DISTILLERY_IDLE_HOURS, DISTILLERY_SESSION_DAYS).
    names_days: the journal of actions forgets a name after so long; 0: never
    (DISTILLERY_NAMES_DAYS).
    upload_megabytes: that one browser may hand in at once; larger sets lie in a folder of the
    server (DISTILLERY_UPLOAD_MB).
    sign_in: the file that says how the plant's own sign-in, or a proxy, tells who people are
    (DISTILLERY_SIGN_IN; see access/elsewhere.py). None: by names and passwords of here alone.
    cluster: where the units of a job are worked on (DISTILLERY_CLUSTER); "": on this computer.
    archive: where finished runs are put that are seldom needed (DISTILLERY_ARCHIVE).
    """

    storage: Path
    max_jobs: int = 1
    threads: int = 1
    open: bool = False
    hosts: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    idle_hours: int = 12
    session_days: int = 7
    names_days: int = 0
    upload_megabytes: int = 200
    sign_in: Path | None = None
    cluster: str = ""
    archive: str = ""

    @property
    def runs(self) -> Path:
        return self.storage / "runs"

    @property
    def trash(self) -> Path:
        return self.storage / "trash"

    @property
    def weights(self) -> Path:
        return self.storage / "weights"

    @property
    def uploads(self) -> Path:
        return self.storage / "uploads"

    @property
    def exports(self) -> Path:
        return self.storage / "exports"

    @property
    def feature_cache(self) -> Path:
        return self.storage / "cache" / "features"

    @property
    def database(self) -> Path:
        return self.storage / "results.duckdb"

    @property
    def backups(self) -> Path:
        return self.storage / "backups"


@cache
def settings() -> Settings:
    """The settings of this process. Raises UserError for a variable that makes no sense."""
    cores = os.cpu_count() or 1
    return Settings(
        storage=Path(os.environ.get("DISTILLERY_STORAGE") or PROJECT / "storage").resolve(),
        max_jobs=_at_least(0, "DISTILLERY_MAX_JOBS", 1),
        threads=_positive("DISTILLERY_THREADS", cores),
        open=os.environ.get("DISTILLERY_OPEN", "") == "1",
        hosts=_listed("DISTILLERY_HOSTS", ","),
        folders=tuple(Path(f).resolve() for f in _listed("DISTILLERY_FOLDERS", os.pathsep)),
        idle_hours=_positive("DISTILLERY_IDLE_HOURS", 12),
        session_days=_positive("DISTILLERY_SESSION_DAYS", 7),
        names_days=_positive("DISTILLERY_NAMES_DAYS", 0),
        upload_megabytes=_positive("DISTILLERY_UPLOAD_MB", 200),
        sign_in=Path(os.environ["DISTILLERY_SIGN_IN"]).resolve()
        if os.environ.get("DISTILLERY_SIGN_IN")
        else None,
        cluster=_address("DISTILLERY_CLUSTER"),
        archive=os.environ.get("DISTILLERY_ARCHIVE", "").strip(),
    )


def _address(name: str) -> str:
    text = os.environ.get(name, "").strip()
    if text and not CLUSTER.fullmatch(text):
        raise UserError(
            f"{name} must be local:N (N processes on this computer), ray://HOST:PORT or HOST:PORT "
            f"of a Ray cluster; it is '{text}'."
        )
    return text


def _listed(name: str, between: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in os.environ.get(name, "").split(between) if one.strip())


def _positive(name: str, default: int) -> int:
    return _at_least(1, name, default)


def _at_least(least: int, name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if text and (not text.isdecimal() or int(text) < least):
        raise UserError(f"{name} must be a whole number of at least {least}; it is '{text}'.")
    return int(text) if text else default


def quiet_environment(settings: Settings) -> dict[str, str]:
    """Variables that keep the libraries offline and polite; set before they are imported.

    Ultralytics, Hugging Face and Streamlit would otherwise contact servers outside. PASSIVE
    waiting keeps OpenMP from starving a neighbouring process.
    """
    threads = str(settings.threads)
    return {
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "YOLO_CONFIG_DIR": str(settings.storage / "config"),
        "YOLO_VERBOSE": "false",
        "MPLCONFIGDIR": str(settings.storage / "config" / "matplotlib"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HOME": str(settings.weights / "huggingface"),
        "HF_HUB_OFFLINE": os.environ.get("HF_HUB_OFFLINE", "1"),
        "AWS_EC2_METADATA_DISABLED": os.environ.get("AWS_EC2_METADATA_DISABLED", "true"),
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }

"""From one release to another and back: what is tried, in which order, and what is undone.

Everything that takes long or can be refused comes before the dashboard is stopped. From then on
`under-way/` holds the storage folder's own files as they were, so that whatever fails, also a power
cut, leads back to the release before and these.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from backend.records import UserError
from backend.release import bundle, health, place, signing
from backend.release.bundle import Bundle
from backend.release.place import Installed, Place

Say = Callable[[str], None]


def install(path: Path, key: Path, root: Path, storage: Path | None, say: Say = print) -> Path:
    """Install a bundle where nothing is installed; returns the release.

    storage: an existing folder keeps what is in it, [root/storage]. Raises UserError where the
    bundle is refused or the release is not well; then storage is as it was, and nothing installed.
    """
    here = Place(root.resolve())
    if here.named("current"):
        raise UserError(f"{root} is installed already. Update it: {root}/install.sh update BUNDLE")
    line = signing.signer_line(key)
    kept = (storage or here.root / "storage").resolve()
    for folder in {here.root} if kept.is_relative_to(here.root) else {here.root, kept}:
        if not folder.parent.is_dir():
            raise UserError(
                f"There is no folder {folder.parent} to make {folder.name} in. Mount its disk, or "
                "make it first."
            )
    here.releases.mkdir(parents=True, exist_ok=True)
    here.signers.write_text(line, encoding="utf-8")
    kept.mkdir(parents=True, exist_ok=True)
    here.keep(Installed(str(kept)))
    with bundle.opened(path, here.signers) as opened:
        release = unpack(here, opened, say)
    try:
        if (kept / "runs").is_dir():
            say("Backing up what the storage folder holds …")
            say(health.must(release, kept, "backup").strip())
        switch(here, release, lambda: health.must(release, kept, "migrate"), say)
    except BaseException:
        shutil.rmtree(release, ignore_errors=True)
        raise
    say(f"{release.name} is installed. Start it: {here.root}/install.sh serve")
    return release


def update(here: Place, path: Path, say: Say = print) -> Path:
    """Put a newer bundle in the place of the release in use; returns the release.

    Raises UserError where it is refused or fails; then the release before runs as it did.
    """
    recover(here, say)
    old, storage = here.current, here.storage
    with bundle.opened(path, here.signers) as opened:
        _check_newer(opened, old)
        release = unpack(here, opened, say)
    try:
        say("Backing up …")
        say(health.must(old, storage, "backup").strip())
        switch(here, release, lambda: health.must(release, storage, "migrate"), say)
    except BaseException:
        if here.current != release:
            shutil.rmtree(release, ignore_errors=True)
        raise
    here.clear()
    say(f"{release.name} is in use. Back to {old.name}: {here.root}/install.sh rollback")
    return release


def _check_newer(opened: Bundle, old: Path) -> None:
    """An old bundle is signed as well as a new one, and may have faults that are known by now."""
    mine = place.manifest_of(old)
    if opened.manifest.release == mine.release:
        raise UserError(f"{mine.release} is in use already.")
    if opened.manifest.made <= mine.made:
        raise UserError(
            f"The bundle was made on {opened.manifest.made}, before the release in use "
            f"({mine.made}). To go back to the release before: ./install.sh rollback"
        )


def roll_back(here: Place, say: Say = print) -> Path:
    """Use the release before again, or end a change that was cut short; returns the release.

    What was done since stays. Raises UserError where there is none, or it is not well any more;
    then the release in use stays.
    """
    if recover(here, say):
        return here.current
    release, storage = here.named("previous"), here.storage
    if release is None or release == here.current:
        raise UserError("There is no release before this one.")
    switch(here, release, lambda: _reopen(release, storage), say)
    say(f"{release.name} is in use again.")
    return release


def _reopen(release: Path, storage: Path) -> None:
    """An older release does not open a newer one's database, and makes its own from the runs."""
    if health.call(release, storage, "migrate").returncode != 0:
        for path in storage.glob("results.duckdb*"):
            path.unlink()
        health.call(release, storage, "reindex")  # names runs it cannot read; they are compared


def unpack(here: Place, opened: Bundle, say: Say) -> Path:
    """A release beside the others, with its packages installed, not in use yet."""
    bundle.check_fits(opened.manifest)
    _check_room(here.root, opened.size)
    release = here.releases / opened.manifest.release
    if release.exists():  # of an attempt that was cut short, or taken back
        if release in (here.named("current"), here.named("previous")):
            raise UserError(f"{release.name} is here already: ./install.sh rollback leads to it.")
        if place.may_run_from(release):
            raise UserError(
                f"{release.name} is here already, and a line or training may run from it still. "
                "Wait until they have ended, or update as root, who sees where they run."
            )
        shutil.rmtree(release)
    say(f"Unpacking and checking {opened.manifest.release} …")
    mask = os.umask(0o022)  # the account that runs it is another than the one that installs it
    try:
        opened.unpack(release)
        (release / "storage").symlink_to(here.storage)
        _install_packages(release)
    except BaseException:
        shutil.rmtree(release, ignore_errors=True)
        raise
    finally:
        os.umask(mask)
    shutil.rmtree(release / bundle.WHEELS, ignore_errors=True)
    return release


def _check_room(folder: Path, size: int) -> None:
    """Wheels unpack to about two and a half times their size, and lie beside that for a while."""
    needed, free = int(3.5 * size), shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"About {needed / 2**30:.1f} GB are needed in {folder}, {free / 2**30:.1f} GB are free."
        )


def _install_packages(release: Path) -> None:
    """By the release's own set-up, from its own wheels alone."""
    command = [sys.executable, "-m", "backend.install", "--venv", str(release / ".venv")]
    command += ["--wheels", str(release / bundle.WHEELS)]
    environment = {name: v for name, v in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=release, env=environment, check=False)
    if done.returncode != 0:
        raise UserError(f"The packages of {release.name} could not be installed; see above.")


def switch(here: Place, release: Path, prepare: Callable[[], object], say: Say) -> None:
    """Use another release, or everything as before where anything fails, with its reason.

    prepare: makes the storage folder's own files fit that release.
    """
    old, storage = here.named("current"), here.storage
    before = health.runs_known(old or release, storage)
    service = _stop(here, say)
    try:
        place.refuse_in_use(storage)
        _begin(here, old, release)
        known = health.differing(old or release, storage, before)
        say(f"Trying {release.name} …")
        prepare()
        health.try_out(release, storage, before, known)
        here.put_in_use(release, old)
        if service:
            health.command_service("start", service)
            health.wait_for(here.installed.port)
    except BaseException as error:
        _undo(here, service, say)
        raise UserError(_words(release, old, error)) from error
    shutil.rmtree(here.under_way)


def _stop(here: Place, say: Say) -> str:
    """The service that was stopped, "" where systemd runs none."""
    service = here.installed.service
    if not health.is_running(service):
        return ""
    say(f"Stopping {service} …")
    health.command_service("stop", service)
    return service


def _undo(here: Place, service: str, say: Say) -> None:
    if service:
        with suppress(UserError):
            health.command_service("stop", service)
    if here.under_way.is_dir():
        _take_back(here)
    if service:
        health.command_service("start", service)


def _words(release: Path, old: Path | None, error: BaseException) -> str:
    why = str(error) or type(error).__name__
    stays = f"{old.name} is in use as before" if old else "nothing is installed"
    return f"{release.name} is not well here ({why}); {stays}, and storage is as it was."


def _begin(here: Place, old: Path | None, release: Path) -> None:
    shutil.rmtree(here.under_way, ignore_errors=True)
    fresh = here.under_way.with_name("under-way.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    place.save(here.storage, fresh / "storage")
    before = here.named("previous")
    words = {"current": old.name if old else "", "previous": before.name if before else ""}
    words |= {"to": release.name}
    (fresh / "change.json").write_text(json.dumps(words), encoding="utf-8")
    fresh.rename(here.under_way)


def _take_back(here: Place) -> str:
    """The storage folder's own files and the links as they were when the change began; the name of
    the release that is in use now."""
    words = json.loads((here.under_way / "change.json").read_text(encoding="utf-8"))
    place.put_back(here.under_way / "storage", here.storage)
    for link in ("previous", "current"):
        here.point(link, words[link])
    shutil.rmtree(here.under_way)
    return str(words["current"])


def recover(here: Place, say: Say) -> bool:
    """Undo a change that was cut short by a power cut or a kill; False where there is none.

    Nobody knows what was done since: what it puts back replaces files that are kept beside backups.
    """
    if not here.under_way.is_dir():
        return False
    words = json.loads((here.under_way / "change.json").read_text(encoding="utf-8"))
    if here.current.name == words["to"]:  # it was tried and is in use; only tidying up was cut off
        shutil.rmtree(here.under_way)
        return False
    place.refuse_in_use(here.storage)
    kept = here.storage / "backups" / f"set-aside-{time.strftime('%Y%m%dT%H%M%S')}"
    kept.parent.mkdir(exist_ok=True)
    place.save(here.storage, kept)
    say(f"{_take_back(here)} is in use. The storage folder's files are as before the update;")
    say(f"those that were there until now are kept in {kept}.")
    return True

"""A bundle: one tar file with source, wheels, `manifest.json`, and hashes of all under a signature.

`SHA256SUMS` lists every other file as `sha256sum -c` reads it; `SHA256SUMS.sig` signs that list. So
whoever unpacks a bundle by hand can check it with OpenSSH and coreutils alone.
"""

import hashlib
import io
import json
import platform
import re
import shutil
import sysconfig
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from backend.records import UserError
from backend.release import signing

FORMAT = 1
SUMS, SIGNATURE, MANIFEST = "SHA256SUMS", "SHA256SUMS.sig", "manifest.json"
WHEELS = "wheels"
LARGEST_LIST = 10_000_000  # bytes of the lists, which are read before they are checked
CHUNK = 1 << 20
SUM_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True)
class Manifest:
    """What a bundle holds, and which computers it fits. made: UTC, ISO 8601. python: 3.11, say.
    platform: as sysconfig names it. torch: its version with the build, 2.15.0+cpu say."""

    version: str
    revision: str
    made: str
    python: str
    platform: str
    torch: str
    format: int = FORMAT

    @property
    def release(self) -> str:
        """The name of its folder."""
        return f"{self.version}-{self.revision[:10]}"


def here() -> tuple[str, str]:
    """Python and platform of this computer, as a manifest names them."""
    return ".".join(platform.python_version_tuple()[:2]), sysconfig.get_platform()


def write(target: Path, files: Mapping[str, Path], manifest: Manifest, key: Path) -> None:
    """Write the bundle whole or not at all. files: name in it → file. Raises UserError where the
    key cannot sign."""
    signing.sign(b"", key)  # else it would be told after gigabytes were written
    described = json.dumps(asdict(manifest), indent=1).encode() + b"\n"
    partial = target.with_name(target.name + ".partial")
    try:
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
            sums = {MANIFEST: _add(tar, MANIFEST, io.BytesIO(described))}
            for name, path in sorted(files.items()):
                with path.open("rb") as file:
                    sums[name] = _add(tar, name, file)
            listed = "".join(f"{value}  {name}\n" for name, value in sorted(sums.items())).encode()
            _add(tar, SUMS, io.BytesIO(listed))
            _add(tar, SIGNATURE, io.BytesIO(signing.sign(listed, key)))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _add(tar: tarfile.TarFile, name: str, file: BinaryIO) -> str:
    """Put a file in, without owner and time; the hash of what was put in."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = file.seek(0, io.SEEK_END), _mode(name)
    file.seek(0)
    hashing = _Hashing(file)
    tar.addfile(member, cast(IO[bytes], hashing))
    return hashing.found.hexdigest()


class _Hashing:
    """A file that is hashed as it is read: it may change while one writes a bundle."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.found = hashlib.sha256()

    def read(self, size: int) -> bytes:
        chunk = self.file.read(size)
        self.found.update(chunk)
        return chunk


def _mode(name: str) -> int:
    return 0o755 if name.endswith(".sh") else 0o644


@dataclass(frozen=True)
class Bundle:
    """A bundle whose signature holds; its files are held against their hashes when unpacked."""

    manifest: Manifest
    sums: Mapping[str, str]
    tar: tarfile.TarFile

    @property
    def size(self) -> int:
        """Bytes of everything in it."""
        return sum(member.size for member in self.tar.getmembers())

    def unpack(self, folder: Path) -> None:
        """Write every file below a new folder. Raises UserError at the first that is not as it was
        signed; the folder is then gone."""
        folder.mkdir(parents=True)
        try:
            for name, wanted in self.sums.items():
                self._unpack_one(name, wanted, folder / name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _unpack_one(self, name: str, wanted: str, path: Path) -> None:
        source = self.tar.extractfile(name)
        assert source is not None, "only plain files are listed"
        path.parent.mkdir(parents=True, exist_ok=True)
        found = hashlib.sha256()
        with path.open("xb") as target:
            while chunk := source.read(CHUNK):
                found.update(chunk)
                target.write(chunk)
        if found.hexdigest() != wanted:
            raise UserError(
                f"'{name}' in the bundle is not as it was signed. Nothing was installed. "
                "Fetch the bundle again from where it was made."
            )
        path.chmod(_mode(name))


@contextmanager
def opened(path: Path, signers: Path) -> Iterator[Bundle]:
    """The bundle, once its signature holds and it lists exactly what it has.

    Raises UserError where it is signed by nobody of `signers`, changed, or no bundle.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            sums = _checked_list(tar, signers)
            _check_members(tar, sums)
            described = _read(tar, MANIFEST)
            if hashlib.sha256(described).hexdigest() != sums.get(MANIFEST):
                raise UserError(f"'{MANIFEST}' in {path.name} is not as it was signed.")
            yield Bundle(_manifest(described), sums, tar)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise UserError(f"{path} cannot be read as a bundle: {error}") from error


def _checked_list(tar: tarfile.TarFile, signers: Path) -> dict[str, str]:
    listed = _read(tar, SUMS)
    signing.verify(listed, _read(tar, SIGNATURE), signers)
    found = [SUM_LINE.fullmatch(line) for line in listed.decode("utf-8").splitlines()]
    return {match[2]: match[1] for match in found if match}


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    try:
        member = tar.getmember(name)
    except KeyError:
        raise UserError(f"This is no bundle: it lacks {name}. `make bundle` makes one.") from None
    source = tar.extractfile(member) if member.isreg() and member.size <= LARGEST_LIST else None
    if source is None:
        raise UserError(f"This is no bundle: its {name} is no small file.")
    return source.read()


def _check_members(tar: tarfile.TarFile, sums: Mapping[str, str]) -> None:
    """Raises UserError where a name could leave the folder, is there twice, or is not signed."""
    names = [member.name for member in tar.getmembers()]
    for member in tar.getmembers():
        if not member.isreg() or not is_safe(member.name) or names.count(member.name) > 1:
            raise UserError(
                f"The bundle holds '{member.name}', which is no plain file below its folder, or "
                "there twice. Nothing was installed."
            )
    strange = set(names) ^ (set(sums) | {SUMS, SIGNATURE})
    if strange:
        raise UserError(
            f"What the bundle holds is not what was signed: '{min(strange)}'. "
            "Nothing was installed."
        )


def is_safe(name: str) -> bool:
    """Does a file of this name lie below the folder into which it is unpacked, everywhere?"""
    parts = PurePosixPath(name).parts
    plain = bool(parts) and not name.startswith("/") and name == "/".join(parts)
    return plain and ".." not in parts and not set(name) & set('\\:\0\n"')


def _manifest(described: bytes) -> Manifest:
    try:
        values = json.loads(described)
        known = {field.name for field in fields(Manifest)}
        manifest = Manifest(**{name: values[name] for name in known & set(values)})
    except (ValueError, TypeError) as error:
        raise UserError(f"The bundle's manifest cannot be read: {error}") from error
    if manifest.format > FORMAT:
        raise UserError(
            "The bundle was made for a newer installer: take install.sh and backend/ out of it "
            "(tar -xf BUNDLE install.sh backend), and call that install.sh."
        )
    if not re.fullmatch(r"[\w.+-]+", manifest.release):
        raise UserError(f"The bundle's release '{manifest.release}' is no name of a folder.")
    return manifest


def check_fits(manifest: Manifest) -> None:
    """Raises UserError where the wheels are for another Python or kind of computer."""
    python, machine = here()
    if manifest.python != python:
        raise UserError(
            f"The bundle is for Python {manifest.python}; this is {python}. Start it with that: "
            f"PYTHON=python{manifest.python} ./install.sh …, or make a bundle with Python {python}."
        )
    if manifest.platform != machine:
        raise UserError(
            f"The bundle is for {manifest.platform}; this computer is {machine}. "
            "Make a bundle on a computer of its kind."
        )

"""A recording with the packages that judged it, as one zip that another installation takes."""

import io
import zipfile
from pathlib import Path

from backend.line.recorder import recording
from backend.records import UserError


def packed(line: Path, name: str) -> bytes:
    """The zip. Raises UserError where it, or a package, is gone."""
    path = line / recording.FOLDER / name
    if path not in recording.files(line):
        raise UserError(f"The recording {name} is gone: room was needed. Choose another.")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        with zipfile.ZipFile(path) as source:
            for member in source.infolist():
                target.writestr(member.filename, source.read(member), zipfile.ZIP_STORED)
        for judge in recording.read(path).judges:
            folder = line / recording.FOLDER / recording.PACKAGES / judge.package
            if not folder.is_dir():
                raise UserError(f"The package of {name} is gone, so it cannot be judged again.")
            for file in sorted(p for p in folder.rglob("*") if p.is_file()):
                inside = file.relative_to(folder).as_posix()
                target.write(file, f"package/{judge.package}/{inside}")
    return made.getvalue()

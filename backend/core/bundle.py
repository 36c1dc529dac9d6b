"""A few files as one zip, made in memory for a download."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STORED = (".onnx", ".pt", ".png", ".jpg")  # packing makes these hardly smaller


def zipped(files: Mapping[str, Path | str]) -> bytes:
    """The zip of these files by the names they get in it: a path's content, or a text as it is."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            if isinstance(content, Path):
                way = zipfile.ZIP_STORED if content.suffix in STORED else zipfile.ZIP_DEFLATED
                packed.write(content, name, way)
            else:
                packed.writestr(name, content)
    return made.getvalue()


def as_text(values: Mapping[str, Any]) -> str:
    """A record as JSON for people and programs."""
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"

"""How a model learns, for people to see: strips of the same pictures, now and then."""

from pathlib import Path

import numpy as np

from backend.images import imagefiles, pictures

SHARE = 0.08  # of the training, from one strip to the next


class Film:
    """Strips `<name>_<step>.png` of a training, with so many pictures a row."""

    def __init__(self, out_dir: Path, name: str, columns: int):
        self.folder, self.name, self.columns = out_dir / "artifacts" / "film", name, columns
        self.next = 0.0

    def is_due(self, done: float) -> bool:
        """At the start, at the end, and about twelve times between."""
        if done < self.next and done < 1:
            return False
        self.next = done + SHARE
        return True

    def write(self, tiles: list[np.ndarray], step: int) -> None:
        path = self.folder / f"{self.name}_{step:06d}.png"
        imagefiles.write(path, pictures.sheet(tiles, self.columns))

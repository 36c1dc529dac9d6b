"""A process of its own, from its start to its first verdict, as after a line was switched on.

Reads what it is asked for as JSON from its one argument, and prints milliseconds.

Imports what a line needs and no more, for that is what is timed.
"""

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

STARTED, LIBRARIES, OPENED, ANSWERED = "Python", "libraries", "model opened", "first verdict"


def decode(data: bytes) -> Any:
    """Pixels uint8 [H, W, 3], RGB, of an image file's bytes."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def main(asked: dict[str, Any]) -> dict[str, float]:
    """Milliseconds from `asked["since"]`, s since the epoch, to the end of each step.

    asked: since, model, threads, provider, inputs (an npz), picture (a file, "" for none), name (of
    the input that takes it).
    """
    found = {STARTED: time.time()}
    import numpy as np
    import PIL.Image  # noqa: F401

    from backend.numeric.onnx_session import open_session

    found[LIBRARIES] = time.time()
    session = open_session(asked["model"], asked["threads"], asked["provider"])
    found[OPENED] = time.time()
    with np.load(asked["inputs"]) as kept:
        fed = dict(kept)
    if asked["picture"]:
        fed[asked["name"]] = decode(Path(asked["picture"]).read_bytes())[None]
    session.run(None, fed)
    found[ANSWERED] = time.time()
    return {step: 1000 * (at - asked["since"]) for step, at in found.items()}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))

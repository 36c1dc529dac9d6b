"""The camera's own process: `python -m backend.line.sources.grabber URL PACE`, frames to stdout."""

import sys
import time

import cv2

from backend.line.sources.camera import STALL_SECONDS, Kind, end_with_reader, packed

PATIENCE_MS = int(STALL_SECONDS * 1000)


def main(url: str, pace: float) -> None:
    """Write each due frame as PNG until the stream ends; the reader's end of the pipe may close."""
    end_with_reader(sys.stdout.buffer)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, PATIENCE_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC]
    if url.isdecimal():
        stream = cv2.VideoCapture(int(url))
    else:
        stream = cv2.VideoCapture(url, cv2.CAP_FFMPEG, [*limits, PATIENCE_MS])
    seconds, due = 60 / pace if pace else 0.0, time.monotonic()
    while stream.grab():
        now = time.monotonic()
        if now < due:
            continue
        due = max(due + seconds, now)
        found, frame = stream.retrieve()
        made, picture = cv2.imencode(".png", frame) if found else (False, None)
        if made and picture is not None:
            sys.stdout.buffer.write(packed(Kind.FRAME, picture.tobytes()))
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1], float(sys.argv[2]))
    except BrokenPipeError:
        sys.exit(0)

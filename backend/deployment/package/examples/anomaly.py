"""Score pictures of parts: python example.py FEATURE_TYPE part.png other.png"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

here, feature_type = Path(__file__).parent, sys.argv[1]
about = json.loads((here / "package.json").read_text(encoding="utf-8"))
number = np.array([about["feature_types"].index(feature_type)])
limits = (about["threshold"] or {"limits": {}})["limits"].get(feature_type, {})
alarm, review = limits.get("limit"), limits.get("review_limit")
session = onnxruntime.InferenceSession(here / "model.onnx")
for name in sys.argv[2:]:
    part, size = ImageOps.exif_transpose(Image.open(name)).convert("RGB"), about["size"]
    shrinks = min(part.size) >= size  # then averaged; a part of the right size stays as it is
    part = part.resize((size, size), Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR)
    score = float(session.run(["score"], {"crops": np.asarray(part)[None], "types": number})[0][0])
    good = "GOOD" if review is not None and score <= review else "review"
    verdict = "BAD" if alarm is not None and score > alarm else good
    print(json.dumps({"picture": name, "score": score, "verdict": verdict if limits else ""}))

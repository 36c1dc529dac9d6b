"""Find defects on pictures: python example.py part.jpg other.png"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

here = Path(__file__).parent
about = json.loads((here / "package.json").read_text(encoding="utf-8"))
session = onnxruntime.InferenceSession(here / "model.onnx")
for name in sys.argv[1:]:
    pixels = np.asarray(ImageOps.exif_transpose(Image.open(name)).convert("RGB"))
    found = session.run(["boxes", "confidences", "classes"], {"images": pixels[None]})
    boxes = [
        {"class": about["classes"][kind], "confidence": float(sure), "xyxy": corners.tolist()}
        for corners, sure, kind in zip(*(rows[0] for rows in found), strict=True)
        if sure >= about["confidence"]
    ]
    print(json.dumps({"picture": name, "boxes": boxes}))

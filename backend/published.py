"""The two papers that this program rebuilds, called source A and source B, and their figures.

A: images of defects are painted by Stable Diffusion, a small student learns to paint them, and
YOLOv5s learns from those. B: inkjet-printed parts, GOOD or BAD, are scored by a conditional
diffusion on features of a YOLOv8.
"""

SOURCE_A = "Distilling Stable Diffusion for Defect Detection"
SOURCE_B = "Diffusion Models for Industrial Defect Detection, PROFACTOR"

# Source A
DETECTOR = {"precision": 1.00, "recall": 0.53, "ap50": 0.32}  # on its own validation images
SSIM_PAIRS = 9  # random pairs of a student's and a teacher's image
SSIM_RANGE = (0.036, 0.108, 0.188)  # of these pairs: lowest, mean, highest

# Source B
LATENCY_MS = 50.0  # a part, on a Jetson AGX
AUROC = {  # feature type: baseline, method
    "dots": (0.956, 0.963),
    "dist6": (0.936, 0.941),
    "dist1": (0.887, 0.857),
    "angle": (0.817, 0.568),
    "edge1": (0.796, 0.818),
    "edge2": (0.813, 0.803),
    "edge3": (0.744, 0.875),
    "edge4": (0.762, 0.736),
}

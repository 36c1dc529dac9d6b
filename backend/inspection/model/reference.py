"""Source B's published AUROC per feature type, for orientation beside one's own.

Diffusion Models for Industrial Defect Detection (PROFACTOR): feature → (baseline, method).
"""

SOURCE_B = {
    "dots": (0.956, 0.963),
    "dist6": (0.936, 0.941),
    "dist1": (0.887, 0.857),
    "angle": (0.817, 0.568),
    "edge1": (0.796, 0.818),
    "edge2": (0.813, 0.803),
    "edge3": (0.744, 0.875),
    "edge4": (0.762, 0.736),
}

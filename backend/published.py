"""The two papers that this program rebuilds, and their figures.

The glass paper (in comments: source A): images of defects are painted by Stable Diffusion, a small
student learns to paint them, and YOLOv5s learns from those. The inkjet paper (source B):
inkjet-printed parts, GOOD or BAD, are scored by a conditional diffusion on features of a YOLOv8.
"""

GLASS_PAPER = "Distilling Stable Diffusion for Defect Detection"
INKJET_PAPER = "Diffusion Models for Industrial Defect Detection, PROFACTOR"

# The glass paper
TEACHER_IMAGES = 100  # of Stable Diffusion v1.4
STUDENT_EPOCHS = DETECTOR_EPOCHS = 50
DATASET_IMAGES = 100  # of the student
DETECTOR = {"precision": 1.00, "recall": 0.53, "ap50": 0.32}  # on its own validation images
SSIM_PAIRS = 9  # random pairs of a student's and a teacher's image
SSIM_RANGE = (0.036, 0.108, 0.188)  # of these pairs: lowest, mean, highest

# The inkjet paper
PARTS = 1327
LATENCY_MS = 50.0  # a part may take, on a Jetson AGX
PART_MS = 35.0  # a part took there, about
ALARM_RATE = 0.05  # share of GOOD parts that may raise an alarm
OVERALL_AUROC = (0.867, 0.873)  # over the types: baseline, method with a separation loss
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

"""The words that settings share with the code behind them. Imports nothing, so that settings
load at once."""

INTACT = "intact"  # the class of an image without a defect
CLASSES = ("crack", "scratch", "chip", "bubble", "inclusion")
LIGHTINGS = ("back light", "dark field", "bright field", "photograph")
VARIATION = 1.0  # of a student's samples
VARIATION_HELP = "0 keeps each scene in its own light, 1 gives it that of another"
LAYOUTS = ("auto", "yolo", "coco", "voc", "labelme", "masks", "none")

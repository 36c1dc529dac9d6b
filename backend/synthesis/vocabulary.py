"""The words that settings share with the code behind them. Imports nothing, so that settings
load at once."""

INTACT = "intact"  # the class of an image without a defect
CLASSES = ("crack", "scratch", "chip", "bubble", "inclusion")
LIGHTINGS = ("back light", "dark field", "bright field", "photograph")
LAYOUTS = ("auto", "yolo", "coco", "voc", "labelme", "masks", "none")

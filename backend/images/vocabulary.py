"""The words that settings share with the code behind them. Imports nothing, so that settings
load at once."""

INTACT = "intact"  # the class of an image without a defect
BELOW = "photograph"  # of a composite's params: the name of the photograph it was made on
ONE_CLASS = ("defect",)  # where defects of all kinds are one
LIGHTINGS = ("back light", "dark field", "bright field", "photograph")
GLASS = "glass"
DEFECTS: dict[str, tuple[str, ...]] = {  # material → the kinds of defect that it can have
    GLASS: ("crack", "scratch", "chip", "bubble", "inclusion"),
    "brushed metal": ("scratch", "dent", "pit", "inclusion", "stain", "crack"),
    "cast metal": (
        *("pit", "inclusion", "crack", "scratch", "dent", "stain"),
        *("missing material", "extra material"),
    ),
    "rolled steel": ("scale", "scratch", "inclusion", "pit", "crack", "stain", "dent"),
    "concrete": ("crack", "pit", "stain", "inclusion", "missing material", "extra material"),
    "stone": ("crack", "scratch", "pit", "inclusion", "stain", "missing material"),
    "plastic": (
        *("scratch", "dent", "inclusion", "crack", "stain"),
        *("missing material", "extra material"),
    ),
    "wood": (
        *("crack", "scratch", "dent", "pit", "inclusion", "stain"),
        *("missing material", "extra material"),
    ),
    "textile": ("tear", "stain", "inclusion", "missing material", "extra material"),
    "printed paper": (
        *("stain", "scratch", "tear", "inclusion"),
        *("missing material", "extra material"),
    ),
    "printed lines": ("missing material", "extra material", "scratch", "stain", "inclusion"),
}
MATERIALS = tuple(DEFECTS)
CLASSES = DEFECTS[GLASS]
KINDS = tuple(dict.fromkeys(kind for kinds in DEFECTS.values() for kind in kinds))
SEEN_THROUGH = (GLASS, "textile", "printed paper")  # light from behind shows something
VARIATION = 1.0  # of a student's samples
VARIATION_HELP = "0 keeps each scene in its own light, 1 gives it that of another"
LAYOUTS = {  # of labels, as settings name them → in words
    "yolo": "YOLO",
    "coco": "COCO",
    "voc": "Pascal VOC",
    "labelme": "LabelMe",
    "masks": "masks",
    "none": "no labels",
}
IMPORTED = "imported"  # the source of an image that was made elsewhere, and of a box read with it
DRAWN = ("exact", "hand", IMPORTED)  # sources of boxes that no labeller guessed
# What a setting wants of the set of images that it names.
ANY_IMAGE, LABELLED, GOOD, BOXES, PHOTOGRAPHS = "images", "labelled", "good", "boxes", "photographs"
STUDENT = "student"  # and of a package: what is packed


def lightings_of(material: str) -> tuple[str, ...]:
    """Those of LIGHTINGS that show something of a material: none from behind where it is opaque."""
    return tuple(way for way in LIGHTINGS if way != "back light" or material in SEEN_THROUGH)


LIT = {material: ("mixed", *lightings_of(material)) for material in MATERIALS}  # as forms offer it

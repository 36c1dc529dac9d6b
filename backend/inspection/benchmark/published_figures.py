"""What others published of the public sets, with where it stands.

Only figures that were read at their source. `one model`: of each category, as here; otherwise one
model for all categories together, which is harder.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Published:
    """auroc, aupro: means over all categories of a set. each: category → (AUROC, AUPRO or None)."""

    dataset: str
    method: str
    setting: str
    source: str
    auroc: float
    aupro: float | None = None
    each: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)


DATASETS: dict[str, tuple[str, ...]] = {
    "MVTec AD": (
        *("bottle", "cable", "capsule", "carpet", "grid", "hazelnut", "leather", "metal_nut"),
        *("pill", "screw", "tile", "toothbrush", "transistor", "wood", "zipper"),
    ),
    "VisA": (
        *("candle", "capsules", "cashew", "chewinggum", "fryum", "macaroni1", "macaroni2"),
        *("pcb1", "pcb2", "pcb3", "pcb4", "pipe_fryum"),
    ),
    "BTAD": ("01", "02", "03"),
    "MPDD": (
        *("bracket_black", "bracket_brown", "bracket_white", "connector", "metal_plate", "tubes"),
    ),
    "Real-IAD": (
        *("audiojack", "bottle_cap", "button_battery", "end_cap", "eraser", "fire_hood", "mint"),
        *("mounts", "pcb", "phone_battery", "plastic_nut", "plastic_plug", "porcelain_doll"),
        *("regulator", "rolled_strip_base", "sim_card_set", "switch", "tape", "terminalblock"),
        *("toothbrush", "toy", "toy_brick", "transistor1", "u_block", "usb", "usb_adaptor"),
        *("vcpill", "wooden_beads", "woodstick", "zipper"),
    ),
}
PATCHCORE = "Wide-ResNet-50, 224 px, one model a category; AUPRO of the BAD pictures"
PATCHCORE_AT = (
    "Roth et al., arXiv 2106.08265; results.csv of IM224_WR50 in "
    "github.com/amazon-science/patchcore-inspection"
)
PADIM = "Wide-ResNet-50, one model a category, seed 42"
PADIM_AT = "README of PaDiM in github.com/openvinotoolkit/anomalib"
ADER = "256 px, one model for all categories, 100 epochs"
ADER_AT = "configs/benchmark/README.md of github.com/zhangzjn/ADer"
FIGURES: tuple[Published, ...] = (
    Published(
        *("MVTec AD", "PatchCore", PATCHCORE, PATCHCORE_AT, 0.992, 0.944),
        {
            **{"bottle": (1.000, 0.971), "cable": (0.997, 0.938), "capsule": (0.979, 0.971)},
            **{"carpet": (0.986, 0.969), "grid": (0.979, 0.970), "hazelnut": (1.000, 0.929)},
            **{"leather": (1.000, 0.992), "metal_nut": (0.999, 0.928), "pill": (0.967, 0.944)},
            **{"screw": (0.988, 0.985), "tile": (0.995, 0.898), "toothbrush": (1.000, 0.948)},
            **{"transistor": (0.999, 0.832), "wood": (0.991, 0.902), "zipper": (0.995, 0.978)},
        },
    ),
    Published(
        *("MVTec AD", "PaDiM", PADIM, PADIM_AT, 0.950, None),
        {
            **{"bottle": (0.999, None), "cable": (0.878, None), "capsule": (0.927, None)},
            **{"carpet": (0.995, None), "grid": (0.942, None), "hazelnut": (0.964, None)},
            **{"leather": (1.000, None), "metal_nut": (0.989, None), "pill": (0.939, None)},
            **{"screw": (0.845, None), "tile": (0.974, None), "toothbrush": (0.942, None)},
            **{"transistor": (0.976, None), "wood": (0.993, None), "zipper": (0.882, None)},
        },
    ),
    Published("MVTec AD", "PatchCore", ADER, ADER_AT, 0.988, 0.942),
    Published("MVTec AD", "RD4AD", ADER, ADER_AT, 0.936, 0.912),
    Published("MVTec AD", "InvAD", ADER, ADER_AT, 0.981, 0.944),
    Published("VisA", "RD4AD", ADER, ADER_AT, 0.906, 0.919),
    Published("VisA", "InvAD", ADER, ADER_AT, 0.954, 0.931),
    Published("BTAD", "PatchCore", ADER, ADER_AT, 0.944, 0.760),
    Published("BTAD", "RD4AD", ADER, ADER_AT, 0.944, 0.807),
    Published("BTAD", "InvAD", ADER, ADER_AT, 0.961, 0.809),
    Published("MPDD", "PatchCore", ADER, ADER_AT, 0.946, 0.957),
    Published("MPDD", "RD4AD", ADER, ADER_AT, 0.913, 0.955),
    Published("MPDD", "InvAD", ADER, ADER_AT, 0.937, 0.948),
    Published("Real-IAD", "RD4AD", ADER, ADER_AT, 0.827, 0.900),
    Published("Real-IAD", "InvAD", ADER, ADER_AT, 0.894, 0.927),
)


def dataset_of(categories: Collection[str], layout: str) -> str:
    """The public set whose categories these are by their names, all or some; "" for another."""
    told = {"visa": ("VisA",), "real-iad": ("Real-IAD",)}.get(layout, tuple(DATASETS))
    return next((name for name in told if set(categories) <= set(DATASETS[name])), "")


def of(dataset: str, categories: Collection[str]) -> list[Published]:
    """The figures of a set that can stand beside these categories: means over all of them, else
    those that were published for each."""
    whole = set(categories) == set(DATASETS.get(dataset, ()))
    return [one for one in FIGURES if one.dataset == dataset and (whole or one.each)]

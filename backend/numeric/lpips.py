"""LPIPS, how alike two pictures look to a network (Zhang et al., CVPR 2018, arXiv 1801.03924).

VGG16 as torchvision has it, its weights from files that the user brings; nothing is downloaded.
Heavy (torch).
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from backend.records import UserError

VGG = ("vgg16.safetensors", "vgg16.pth", "vgg16-397923af.pth")  # the last is torchvision's name
LINEAR = ("lpips-vgg.safetensors", "lpips-vgg.pth")  # weights/v0.1/vgg.pth of the package lpips
CHANNELS = (64, 128, 256, 512, 512)
ENDS = (4, 9, 16, 23, 30)  # of relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3 in VGG16's layers
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


class Lpips(nn.Module):
    """forward: pictures [B, 3, S, S] of 0..1, twice -> their distance [B].

    weights: [C] of each layer's channels; without them all channels count alike, each layer as
    the mean over its channels.
    """

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import vgg16

        whole = vgg16(weights=None).features
        starts = (0, *ENDS[:-1])
        pairs = zip(starts, ENDS, strict=True)
        self.blocks = nn.ModuleList(whole[start:end] for start, end in pairs)
        for layer in whole:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        self.linear = nn.ParameterList(torch.full((c,), 1 / c) for c in CHANNELS)
        for name, values in (("shift", SHIFT), ("scale", SCALE)):
            self.register_buffer(name, torch.tensor(values)[:, None, None])

    def features(self, images: Tensor) -> list[Tensor]:
        """Each layer's output [B, C, H, W], of unit length over its channels."""
        x = (images * 2 - 1 - self.get_buffer("shift")) / self.get_buffer("scale")
        found = []
        for block in self.blocks:
            x = block(x)
            found.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return found

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        layers = zip(self.features(a), self.features(b), self.linear, strict=True)
        each = [((x - y).square() * w[:, None, None]).sum(1).mean((1, 2)) for x, y, w in layers]
        return torch.stack(each).sum(0)


def load(folder: Path, linear: bool) -> Lpips:
    """From the files in storage/weights. linear: with LPIPS' own weights of the channels.

    Raises UserError where a file is missing or damaged.
    """
    file = _file(folder, VGG, "the weights of VGG16 as torchvision has them")
    made = Lpips()
    whole = nn.Sequential(*(layer for block in made.blocks for layer in block.children()))
    state = {
        name.removeprefix("features."): value
        for name, value in _read(file).items()
        if not name.startswith("classifier.")
    }
    _fill(whole, state, file)
    if linear:
        file = _file(folder, LINEAR, "the file weights/v0.1/vgg.pth of the package lpips")
        each = list(_read(file).values())
        if [value.numel() for value in each] != list(CHANNELS):
            raise UserError(f"{file} holds no LPIPS weights of VGG16. Bring the file of v0.1.")
        for weight, value in zip(made.linear, each, strict=True):
            weight.data = value.flatten().float()
    return made.eval().requires_grad_(False)


def _file(folder: Path, names: tuple[str, ...], what: str) -> Path:
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise UserError(
            f"Perceptual: put {what} into {folder} as {' or '.join(names)}, or choose wavelets."
        )
    return found


def _read(file: Path) -> dict[str, Tensor]:
    """The tensors in a file: safetensors, or a .pth that holds nothing else."""
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        return dict(torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:
        raise UserError(
            f"{file} cannot be read ({type(error).__name__}): it must hold tensors alone."
        ) from error


def _fill(net: nn.Module, state: dict[str, Tensor], file: Path) -> None:
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(
            f"{file} holds no VGG16 as torchvision has it (features.0.weight …). Bring that."
        ) from error

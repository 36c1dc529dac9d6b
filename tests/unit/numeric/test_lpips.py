"""LPIPS from files of random weights, through the loader that reads a user's own."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import vgg16

from backend.numeric import lpips
from backend.records import UserError
from backend.students.distill import losses


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """VGG16 with a small random classifier beside, as torchvision names it, and LPIPS' weights."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("weights")
    net = vgg16(weights=None).features
    state = {f"features.{name}": value for name, value in net.state_dict().items()}
    torch.save(state | {"classifier.0.weight": torch.zeros(2, 2)}, folder / "vgg16-397923af.pth")
    linear = {
        f"lin{k}.model.1.weight": torch.rand(1, c, 1, 1) for k, c in enumerate(lpips.CHANNELS)
    }
    torch.save(linear, folder / "lpips-vgg.pth")
    return folder


def by_hand(folder, a, b, linear):
    """The paper's equation 1, layer by layer, from torchvision's own network."""
    net = vgg16(weights=None).features.eval()
    state = torch.load(folder / "vgg16-397923af.pth", weights_only=True)
    net.load_state_dict({n[9:]: v for n, v in state.items() if n.startswith("features")})
    kept = list(torch.load(folder / "lpips-vgg.pth", weights_only=True).values())
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    x, y = ((image - mean) / deviation for image in (a, b))
    total, place = torch.zeros(len(a)), 0
    for k, layer in enumerate(net):
        x, y = layer(x), layer(y)
        if k in (3, 8, 15, 22, 29):
            u, v = (torch.nn.functional.normalize(z, dim=1) for z in (x, y))
            weight = kept[place] if linear else 1 / x.shape[1]
            total += ((u - v) ** 2 * weight).sum(1).mean((1, 2))
            place += 1
    return total


@pytest.mark.parametrize("linear", (True, False))
@torch.inference_mode()
def test_the_distance_is_the_papers(weights, linear):
    torch.manual_seed(1)
    a, b = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    made = lpips.load(weights, linear)
    torch.testing.assert_close(made(a, b), by_hand(weights, a, b, linear), rtol=2e-3, atol=1e-5)
    assert (made(a, a) == 0).all() and (made(a, b) > 0).all()


def test_the_distance_is_that_of_the_package_lpips(weights):
    package = pytest.importorskip("lpips")
    theirs = package.LPIPS(net="vgg", pnet_rand=True, verbose=False)
    ours = lpips.Lpips()
    slices = [layer for k in range(1, 6) for layer in getattr(theirs.net, f"slice{k}")]
    mine = [layer for block in ours.blocks for layer in block.children()]
    for own, other in zip(mine, slices, strict=True):
        own.load_state_dict(other.state_dict())
    for weight, layer in zip(ours.linear, theirs.lins, strict=True):
        weight.data = layer.model[-1].weight.data.flatten()
    a, b = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        wanted = theirs(a, b, normalize=True).flatten()
        torch.testing.assert_close(ours(a, b), wanted, rtol=1e-4, atol=1e-6)


def test_safetensors_give_the_same(weights, tmp_path):
    for name in ("vgg16-397923af", "lpips-vgg"):
        state = torch.load(weights / f"{name}.pth", weights_only=True)
        save_file(state, tmp_path / f"{name.removesuffix('-397923af')}.safetensors")
    a, b = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        assert lpips.load(tmp_path, True)(a, b) == lpips.load(weights, True)(a, b)


def test_a_student_is_drawn_to_its_teacher_through_the_same_loader(weights):
    torch.manual_seed(0)
    teacher = torch.randint(0, 255, (3, 3, 32, 32), dtype=torch.uint8)
    for name in ("vgg", "lpips"):
        look = losses.texture(name, weights, teacher)
        made = torch.full((2, 3, 32, 32), 0.5, requires_grad=True)
        places = torch.tensor([2, 0])
        loss = look(made, places)
        loss.backward()
        assert loss > 0 and made.grad.abs().sum() > 0
        same = teacher[places].float() / 255
        assert look(same, places) == 0
        nearer = made.detach() - 2 * made.grad / made.grad.abs().max() / 255
        assert look(nearer, places) < loss


def test_what_is_missing_is_told_with_its_place(tmp_path, weights):
    teacher = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    with pytest.raises(UserError, match=r"put the weights of VGG16.*vgg16\.safetensors or vgg16"):
        losses.texture("vgg", tmp_path, teacher)
    (tmp_path / "vgg16.pth").write_bytes((weights / "vgg16-397923af.pth").read_bytes())
    with pytest.raises(UserError, match=r"weights/v0\.1/vgg\.pth of the package lpips"):
        losses.texture("lpips", tmp_path, teacher)
    with pytest.raises(UserError, match=r"put yolov8n\.pt into"):
        losses.texture("yolo", tmp_path, teacher)


def test_files_that_hold_other_things_are_refused(tmp_path):
    file = tmp_path / "vgg16.pth"
    file.write_bytes(b"no weights")
    with pytest.raises(UserError, match="cannot be read"):
        lpips.load(tmp_path, False)
    torch.save({"a": np.float64(1)}, file)  # a pickle of more than tensors
    with pytest.raises(UserError, match=r"vgg16\.pth"):
        lpips.load(tmp_path, False)
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, file)
    with pytest.raises(UserError, match="no VGG16 as torchvision has it"):
        lpips.load(tmp_path, False)

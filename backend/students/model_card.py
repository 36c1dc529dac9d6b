"""What a student is, how it was made and what it can do: for programs and for people."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backend.core import places, runs, specs
from backend.core.runs import Run
from backend.images import licences
from backend.students import drawing
from backend.students.distill.spec import Result, Spec
from backend.students.sampler import Sampler

LIMITS = (
    "It recombines what it learned: scenes and defects of its teacher's images. It invents no new "
    "kind of defect.",
    "Likeness to its teacher says nothing about real parts. Judge a detector trained on its images "
    "on photographs of your own parts, intact ones among them.",
    "The KID is measured on fixed wavelet features; compare it only with figures of this program.",
)
TOLD = (  # of these, the readable card tells all
    *("samples", "matched minus random", "held-out matched minus random"),
    *("reconstructions", "held-out reconstructions"),
)
NO_MASK = "It paints no mask, so its images have no exact labels."
UNMEASURED = "No similarity run was given, so how good it is was not measured."


@dataclass(frozen=True)
class File:
    """An ONNX file of the package. images_a_second: on one thread of the computer that made it."""

    file: str
    precision: str
    megabytes: float
    images_a_second: float
    sha256: str


@dataclass(frozen=True)
class Card:
    """The card of a student. measures: rows of `figures`. int8: how it compares with FP32."""

    name: str
    student_run: str
    preset: str
    size: int
    latent_dim: int
    paints_mask: bool
    classes: tuple[str, ...]
    teacher: dict[str, Any]
    recipe: dict[str, Any]
    training: dict[str, Any]
    measures: tuple[dict[str, Any], ...]
    files: tuple[File, ...]
    int8: str
    computer: str
    limits: tuple[str, ...]
    example: str

    def write(self, folder: Path) -> None:
        """model_card.json: the card for programs."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / "model_card.json").write_text(text + "\n", encoding="utf-8")

    @property
    def words(self) -> str:
        """The card for people, in Markdown."""
        return _markdown(self)


def describe(
    student: Run,
    sampler: Sampler,
    measures: list[dict[str, Any]],
    files: list[File],
    int8: str,
    computer: str,
) -> Card:
    """The card of a finished student."""
    result, spec = runs.result(student, Result), runs.spec(student, Spec)
    limits = LIMITS + (() if sampler.paints_mask else (NO_MASK,))
    return Card(
        name=student.name or student.id,
        student_run=student.id,
        preset=spec.preset,
        size=sampler.size,
        latent_dim=sampler.latent_dim,
        paints_mask=sampler.paints_mask,
        classes=sampler.classes,
        teacher=_teacher(student),
        recipe=places.values(specs.counting(Spec, student.spec)),
        training={
            "images": result.images,
            "images_kept_away": result.held,
            "epochs": result.epochs,
            "minutes": round((student.seconds or 0) / 60, 2),
        },
        measures=tuple(measures),
        files=tuple(files),
        int8=int8,
        computer=computer,
        limits=limits if measures else (*limits, UNMEASURED),
        example=example(sampler),
    )


def _teacher(student: Run) -> dict[str, Any]:
    """The run it learned from, those behind that, and the licences of them all."""
    found = licences.behind(student)
    taught = found[0] if found else {"run": "", "kind": "", "teacher": ""}
    return taught | {"licence": licences.licence(student.folder), "behind": found[1:]}


def _markdown(card: Card) -> str:
    teacher, training = card.teacher, card.training
    seen = f"{training['images']} images, {training['images_kept_away']} more kept away from it"
    paints = "RGB and a mask of the defect" if card.paints_mask else "RGB, no mask"
    lines = [
        f"# {card.name}",
        f"A generator of defect images, distilled with the recipe `{card.preset}`. It paints "
        f"{card.size} × {card.size} px: {paints}. Classes: {', '.join(card.classes) or 'none'}.",
        "## Data",
        f"Learned from {seen}, of run {_words(teacher)}."
        + "".join(f" Behind it: run {_words(one)}." for one in teacher["behind"])
        + f"\n\nLicences of all that went into it: {teacher['licence']}.",
        "## Recipe",
        ", ".join(f"{name} {value}" for name, value in card.recipe.items() if value != ""),
        f"{training['epochs']} epochs, {training['minutes']} minutes.",
        "## Files",
        "| file | numbers | MB | images a second, one thread |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {f.file} | {f.precision} | {f.megabytes:.1f} | {f.images_a_second:.0f} |"
            for f in card.files
        ),
        f"Timed on {card.computer}. {card.int8}",
        "## Measures",
        _measures(card.measures),
        "## Limits",
        "\n".join(f"- {limit}" for limit in card.limits),
        "## Use it from Python",
        f"```python\n{card.example}```",
        f"`z` is [batch, {card.latent_dim}]; the output is [batch, channels, {card.size}, "
        f"{card.size}] in 0…1: red, green, blue"
        + (", probability of defect." if card.paints_mask else "."),
    ]
    return "\n\n".join(lines) + "\n"


def _words(run: dict[str, Any]) -> str:
    """A run behind the student, by its id and by who made its images."""
    return f"`{run['run']}` ({run.get('problem') or run['teacher'] or run['kind'] or 'unknown'})"


def _measures(rows: tuple[dict[str, Any], ...]) -> str:
    if not rows:
        return UNMEASURED
    lines = [
        f"| {r['subject']} | {r['metric']} | {r['value']:.3g} | {_interval(r)} | {r['n']} |"
        for r in rows
        if r["subject"] in TOLD or r["metric"] == "KID"
    ]
    head = "| of | measure | value | 95 % interval | n |\n|---|---|---|---|---|\n"
    return head + "\n".join(lines) + "\n\nAll measures are in `model_card.json`."


def _interval(row: dict[str, Any]) -> str:
    """Nothing for a limit that counts as given."""
    low, high = row.get("low"), row.get("high")
    return "" if low is None or low != low else f"[{low:.3g}, {high:.3g}]"


def example(sampler: Sampler) -> str:
    """A sample in ten lines of Python, with numpy and onnxruntime alone."""
    mask = "mask = made[3] > 0.5\n" if sampler.paints_mask else ""
    head = "import numpy as np\nimport onnxruntime\n\n"
    session = 'session = onnxruntime.InferenceSession("model.onnx")\n'
    if not len(sampler.latents):
        draw = (
            "length = session.get_inputs()[0].shape[1]\n"
            "z = np.random.default_rng(0).standard_normal((1, length)).astype(np.float32)\n"
        )
        if isinstance(sampler.rule, drawing.Noise):
            classes = len(sampler.classes)
            draw += f"z[0, -{classes}:] = np.eye({classes})[0]  # the first of the classes\n"
        return head + session + draw + _PAINT + mask
    draw = (
        'latents = np.load("latents.npz")["latents"]\n'
        "scene, defect = latents[np.random.default_rng(0).integers(len(latents), size=2)]\n"
        f"own = {sampler.scene_dim}  # so many numbers are the scene's\n"
        "z = np.concatenate([scene[:own], defect[own:]])[None].astype(np.float32)\n"
    )
    return head + session + draw + _PAINT + mask


_PAINT = (
    'made = session.run(None, {"z": z})[0][0]\n'
    "image = (made[:3].transpose(1, 2, 0) * 255).round().astype(np.uint8)\n"
)

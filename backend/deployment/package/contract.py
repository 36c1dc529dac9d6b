"""A package as whoever takes it sees it: read with suspicion, fed, and tested on what it is
tested on here.

    model.onnx        everything from picture to result
    package.json      what goes in, what comes out, what each file's hash is
    MODEL_CARD.md, example.py, golden/, and thresholds.json where limits are in force

No PyTorch: a line's computer and the pages use this module.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.core import facts, results, runs
from backend.core.runs import Run
from backend.deployment.package.spec import Spec
from backend.images import imagefiles, imageset
from backend.images.labelled_image import LabelledImage
from backend.inspection.model.spec import Spec as ModelSpec
from backend.inspection.parts.crops import read_crop, read_parts
from backend.records import Box, Label, UserError

if TYPE_CHECKING:
    import onnxruntime

FORMAT = 1
HEAD, MODEL, CARD = "package.json", "model.onnx", "MODEL_CARD.md"
ANOMALY, DETECTOR, STUDENT = "anomaly", "detector", "student"
OF_KIND = {"inspect": ANOMALY, "detector": DETECTOR, "distill": STUDENT}  # of run: of package
BATCH = 32  # pictures in one call, where that is free
MOST_BYTES, MOST_HEAD = 1 << 30, 1 << 24  # of any one file, and of package.json
OWN_DOMAINS = ("", "ai.onnx")  # of operators that every ONNX runtime has
SHA256 = re.compile(r"[0-9a-f]{64}")
CURE = "Make the package again, or ask whoever sent it."


@dataclass(frozen=True)
class _Input:
    name: str


@dataclass(frozen=True)
class _Head:
    """What of package.json is relied on, with its types."""

    format: int
    kind: str
    size: int
    files: dict[str, str]
    inputs: tuple[_Input, ...] = ()
    feature_types: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Package:
    """A package that was read and found whole.

    kind: anomaly, detector or student. size: edge in px of the square that the network looks at or
    paints. names: feature types of an anomaly model, else classes. head: package.json.
    """

    folder: Path
    kind: str
    size: int
    names: tuple[str, ...]
    head: dict[str, Any]

    @property
    def most_at_once(self) -> int:
        """How many pictures one call of the model takes at most."""
        inputs = self.head["inputs"]
        return BATCH if isinstance(inputs[0]["shape"][0], str) else 1

    def answers(
        self, session: "onnxruntime.InferenceSession", fed: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[Any]]:
        """What the session gives for what it is fed, each output for all pictures at once."""
        count, step = len(next(iter(fed.values()))), self.most_at_once
        pieces = [
            session.run(None, {name: rows[k : k + step] for name, rows in fed.items()})
            for k in range(0, count, step)
        ]
        return [np.concatenate(column) for column in zip(*pieces, strict=True)]

    @property
    def model(self) -> Path:
        return self.folder / MODEL

    def type_index(self, feature_types: Sequence[str]) -> NDArray[np.int64]:
        """Index [N] of each part's feature type. Raises UserError for one it does not know."""
        return type_index(feature_types, self.names)

    def feed(
        self, pictures: NDArray[np.uint8], feature_types: Sequence[str] = ()
    ) -> dict[str, NDArray[Any]]:
        """What `session(…).run` takes for pictures uint8 [B, H, W, 3], RGB.

        feature_types: one a picture, for an anomaly model, whose pictures are `size` px square.
        Raises UserError for pictures of another type, size or colour, and an unknown feature type.
        """
        if self.kind == STUDENT:
            raise UserError("A student paints pictures: it takes latents, not pictures.")
        self._refuse(pictures)
        if self.kind == DETECTOR:
            return {"images": pictures}
        if len(feature_types) != len(pictures):
            raise UserError(
                f"{len(pictures)} pictures but {len(feature_types)} feature types: give each its "
                "own."
            )
        return {"crops": pictures, "types": self.type_index(feature_types)}

    def _refuse(self, pictures: NDArray[Any]) -> None:
        """Raises UserError for what is no stack of colour pictures of the right size."""
        shape = "×".join(map(str, pictures.shape))
        if pictures.dtype != np.uint8:
            raise UserError(
                f"The picture's numbers are {pictures.dtype}, not whole ones from 0 to 255 "
                "(uint8). Convert it to 8 bits a channel."
            )
        if pictures.ndim != 4 or pictures.shape[3] != 3 or 0 in pictures.shape:
            raise UserError(
                f"The picture has the shape {shape}, not [count, height, width, 3]: it must have "
                "three colours, red, green and blue. Convert it to RGB."
            )
        if self.kind == ANOMALY and pictures.shape[1:3] != (self.size, self.size):
            raise UserError(
                f"The picture is {pictures.shape[2]} × {pictures.shape[1]} px, not {self.size} × "
                f"{self.size}. Resize the part to that, averaged where it shrinks."
            )


def type_index(feature_types: Sequence[str], known: Sequence[str]) -> NDArray[np.int64]:
    """Index [N] of each part's feature type in the model's list. Raises UserError: unknown type."""
    number = {name: place for place, name in enumerate(known)}
    unknown = sorted({name for name in feature_types if name not in number})
    if unknown:
        raise UserError(
            f"The model does not know the feature type '{unknown[0]}', only {', '.join(known)}. "
            "Use parts of these types, or train the model anew."
        )
    return np.array([number[name] for name in feature_types], dtype=np.int64)


def folder_of(run_folder: Path) -> Path:
    """Where a run of the kind `package` holds its package."""
    return run_folder / "artifacts" / "package"


def read(folder: Path) -> Package:
    """The package in a folder. Raises UserError where a file is missing or not the one that was
    packed, where package.json does not fit, and where the model reaches outside of its file."""
    _refuse_large(folder / HEAD, MOST_HEAD)
    head = runs.read_json(folder / HEAD)
    known = _known(folder, head)
    for name, digest in known.files.items():
        _check_file(folder, name, digest)
    check_model(folder / MODEL, [one.name for one in known.inputs])
    names = known.feature_types if known.kind == ANOMALY else known.classes
    return Package(folder, known.kind, known.size, names, head)


def _known(folder: Path, head: dict[str, Any]) -> _Head:
    """package.json with its types checked. Raises UserError naming what does not fit."""
    if head.get("format") != FORMAT:
        raise UserError(
            f"{folder / HEAD} is of format {head.get('format')!r}; this version reads {FORMAT}. "
            f"{CURE}"
        )
    try:
        known = results.from_json(_Head, head)
    except ValueError as error:
        raise UserError(f"{folder / HEAD} does not fit: {error}. {CURE}") from error
    if known.kind not in OF_KIND.values():
        raise UserError(f"{folder / HEAD}: no such kind of package as {known.kind!r}. {CURE}")
    if not known.size or not 1 <= known.size <= 8192:
        raise UserError(f"{folder / HEAD}: size {known.size!r} is no edge in px. {CURE}")
    if MODEL not in known.files or not known.inputs:
        raise UserError(f"{folder / HEAD} names no {MODEL} or none of its inputs. {CURE}")
    return known


def _check_file(folder: Path, name: str, digest: str) -> None:
    """Raises UserError where a file of the package is not the one that was packed."""
    path = folder / name
    plain = name and not name.startswith("/") and ".." not in Path(name).parts and "\\" not in name
    if not plain or path.resolve() != folder.resolve() / name:
        raise UserError(f"{folder / HEAD} names '{name}', which lies outside of it. {CURE}")
    if not path.is_file():
        raise UserError(f"{path} is missing. {CURE}")
    _refuse_large(path, MOST_BYTES)
    if not SHA256.fullmatch(digest) or sha256(path) != digest:
        raise UserError(f"{path} is not the file that was packed: its hash differs. {CURE}")


def _refuse_large(path: Path, most: int) -> None:
    """Raises UserError for a file that is larger than any package's, before it is read."""
    if path.is_file() and path.stat().st_size > most:
        raise UserError(
            f"{path} has {path.stat().st_size / 1e6:.0f} MB; such a file of a package has at most "
            f"{most / 1e6:.0f} MB. {CURE}"
        )


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_model(path: Path, inputs: Sequence[str]) -> None:
    """Raises UserError for a model with data outside of its file, with operators that are not
    ONNX's own, or with other inputs than package.json names."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise UserError(f"{path} is no ONNX file. {CURE}") from error
    own = {(function.domain, function.name) for function in model.functions}
    for one in _messages(model):
        if isinstance(one, onnx.TensorProto) and (
            one.external_data or one.data_location == onnx.TensorProto.EXTERNAL
        ):
            raise UserError(f"{path} takes data from files outside of it ('{one.name}'). {CURE}")
        strange = isinstance(one, onnx.NodeProto) and one.domain not in OWN_DOMAINS
        if strange and (one.domain, one.op_type) not in own:
            raise UserError(
                f"{path} needs the operator '{one.op_type}' of '{one.domain}', which is not ONNX's "
                f"own. {CURE}"
            )
    found = [one.name for one in model.graph.input]
    if found != list(inputs):
        raise UserError(
            f"{path} takes {', '.join(found) or 'nothing'}, but {HEAD} says {', '.join(inputs)}. "
            f"{CURE}"
        )


def _messages(message: Any) -> Iterator[Any]:
    """A protobuf message and all that it holds, near and far."""
    yield message
    for field, value in message.ListFields():
        if field.message_type:
            for one in value if field.is_repeated else (value,):
                yield from _messages(one)


def session(
    package: Package, file: Path | None = None, threads: int = 1, **options: Any
) -> "onnxruntime.InferenceSession":
    """A session of the package's model, or of another file with the same inputs and outputs.

    options: of `onnx_session.open_session`.
    """
    from backend.numeric.onnx_session import open_session

    return open_session(file or package.model, threads, **options)


@dataclass(frozen=True)
class Judged:
    """A part or picture of a model's own test set, as it was judged.

    feature_type: "" for a detector. boxes: its true defects, for a detector. seen: the packaged
    model was fitted on it, though the one that judged it in cross-validation was not.
    """

    name: str
    path: Path
    label: Label
    group: str
    feature_type: str = ""
    boxes: tuple[Box, ...] = ()
    seen: bool = False

    @cached_property
    def hash(self) -> str:
        """SHA-256 of its file."""
        return sha256(self.path)


def model_of(run: Run) -> Run:
    """The model's run behind a run of the kind `package`; any other run itself.

    Raises UserError where it is gone.
    """
    if run.kind != "package":
        return run
    return runs.read(runs.sibling(run.folder, runs.spec(run, Spec).model_run))


def test_images(run: Run) -> tuple[Judged, ...]:
    """The test set of a package's or a model's run; none of a student.

    Raises UserError where its files are gone.
    """
    model = model_of(run)
    if model.kind == "inspect":
        return tuple(_parts(model))
    return tuple(_pictures(model)) if model.kind == "detector" else ()


def by_type(images: Sequence[Judged]) -> list[int]:
    """Their places, those of a feature type and label one after another."""
    return sorted(range(len(images)), key=lambda k: (images[k].feature_type, images[k].label))


def picture(package: Package, image: Judged) -> NDArray[np.uint8]:
    """An image of the test set as the package takes it: uint8 [H, W, 3]."""
    if package.kind == ANOMALY:
        return read_crop(image.path, package.size)
    return imagefiles.read_rgb(image.path)


def _parts(model: Run) -> Iterator[Judged]:
    """Every part that a model judged, with the label that it had then."""
    from backend.inspection.model import folds  # scikit-learn takes its time

    spec = runs.spec(model, ModelSpec)
    folder = runs.sibling(model.folder, spec.parts_run)
    judged = facts.read(model.folder, "scores").drop_duplicates("part")[["part", "label"]]
    frame = read_parts(folder).drop(columns="label").merge(judged, "inner", "part")
    data = folds.described(frame)
    good = np.flatnonzero(data.good)
    seen = ~data.good & (spec.mode == "uses-bad")
    seen[good] = ~folds.calibration_split(data, good, spec.seed)
    for row, fitted in zip(facts.records(frame), seen, strict=True):
        label, path = Label(row["label"]), folder / row["path"]
        yield Judged(
            row["part"], path, label, row["group"], feature_type=row["feature"], seen=bool(fitted)
        )


def _pictures(model: Run) -> Iterator[Judged]:
    """The test images of a detector."""
    rows = facts.read(model.folder, "images"), facts.read(model.folder, "boxes")
    for image in imageset.from_rows(model.folder, *rows):
        yield _picture(image)


def _picture(image: LabelledImage) -> Judged:
    label = Label.BAD if image.boxes else Label.GOOD
    return Judged(image.name, image.path, label, image.group, boxes=image.boxes)

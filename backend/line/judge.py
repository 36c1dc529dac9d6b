"""Who judges: a package on the line, with its limits and its golden parts. Needs onnxruntime."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from backend.core import runs
from backend.deployment.package import contract, limits
from backend.deployment.package.contract import Package
from backend.deployment.package.limits import Limits
from backend.images import imagefiles
from backend.images.imagefiles import Depth
from backend.inspection.inspect_part import crop_of, verdict
from backend.inspection.parts.crops import measures_of
from backend.line.part import Captured, Judgement, Verdict
from backend.line.variant import Variant
from backend.records import Box, UserError

MOST_PIXELS = 100_000_000
DRIFT = 1e-4  # of a golden part's score, relative above 1
CALLED = {"GOOD": Verdict.GOOD, "review": Verdict.REVIEW, "BAD": Verdict.BAD}


@dataclass(frozen=True)
class Looked:
    """A judgement and what it stands on: the map [G, G] of z-scores, None where there is none, or
    boxes in px of the picture."""

    said: Judgement
    anomaly_map: NDArray[np.float32] | None = None
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Golden:
    """A golden part: the score that it has to have, and that which it has here."""

    name: str
    wanted: float
    score: float

    @property
    def gap(self) -> float:
        """How far they lie apart, relative above 1."""
        return abs(self.score - self.wanted) / max(1.0, abs(self.wanted))

    @property
    def holds(self) -> bool:
        return self.gap <= DRIFT


class Judge(Protocol):
    """Says what a part is. It never raises: what cannot be judged is UNINSPECTED.

    suspended: feature types whose limits promise nothing just now; their verdicts say so.
    """

    suspended: frozenset[str]

    @property
    def versions(self) -> dict[str, Any]:
        """What a verdict hangs on besides the part, by name."""
        ...

    def look(self, one: Captured) -> Looked: ...

    def drift(self) -> str:
        """What differs from the package's golden parts, in words; "" where nothing does."""
        ...


@dataclass(frozen=True)
class Setting:
    """variant: which of the package's files judges; home: the line's folder, where what the golden
    parts gave by a variant is kept, None for nowhere. bits: in use of a channel that has more than
    8. box, box_review: of a detector, how sure a box makes a part BAD or REVIEW; 0: as its package
    says, and none."""

    variant: Variant = field(default_factory=Variant)
    home: Path | None = None
    bits: int = 16
    box: float = 0.0
    box_review: float = 0.0


class PackageJudge:
    """A package of an anomaly model. feature: the type of parts whose source does not tell.
    limits_file: thresholds.json in place of the package's own limits. config: hash of the settings.

    Raises UserError where it cannot be read, or is of another kind.
    """

    KIND = contract.ANOMALY

    def __init__(
        self,
        folder: Path,
        feature: str,
        threads: int,
        limits_file: Path | None = None,
        config: str = "",
        setting: Setting | None = None,
    ) -> None:
        self.package: Package = contract.read(folder)
        if self.package.kind != self.KIND:
            raise UserError(
                f"Package run: it holds a {self.package.kind}. A line needs the package of an "
                "anomaly model or of a detector."
            )
        self._setting = setting = setting or Setting()
        self._feature = self._known(feature)
        self._session = contract.session(self.package, setting.variant.file, threads)
        self._limits, self._thresholds = self._limits_from(limits_file)
        digest = setting.variant.sha256 or str(self.package.head["files"][contract.MODEL])
        self._hash = digest[:12]
        self._config = _hash_of(config, self.versions)
        self.suspended: frozenset[str] = frozenset()

    def _known(self, feature: str) -> str:
        """The type of parts whose source does not tell. Raises UserError for an unknown one."""
        if feature and feature not in self.package.names:
            known = ", ".join(self.package.names)
            raise UserError(f"Feature: the package does not know '{feature}', only {known}.")
        return feature or (self.package.names[0] if len(self.package.names) == 1 else "")

    def _limits_from(self, file: Path | None) -> tuple[Mapping[str, Limits], int]:
        """The limits a feature type, and their version; 0 where there are none."""
        if file:
            kept = runs.read_json(file)
            return limits.by_type({"limits": kept["features"]}), kept["version"]
        told = self.package.head.get("threshold")
        return limits.by_type(told), int(told["version"]) if told else 0

    @property
    def setting(self) -> Setting:
        return self._setting

    @property
    def config(self) -> str:
        """A short hash of all that a verdict hangs on besides the part."""
        return self._config

    def feature_of(self, named: str) -> str:
        """The type of a part of which its source named this one, or none."""
        return named or self._feature

    def limits(self, feature: str) -> Limits:
        """BAD above the first, GOOD up to the second; None: nothing is promised."""
        return self._limits.get(feature, (None, None))

    @property
    def feature(self) -> str:
        """The type of parts whose source does not tell."""
        return self._feature

    @property
    def versions(self) -> dict[str, Any]:
        """What a verdict hangs on besides the part."""
        variant = self._setting.variant.name
        return {"package": self._hash, "thresholds": self._thresholds, "variant": variant}

    def look(self, one: Captured) -> Looked:
        try:
            return self._looked(one)
        except UserError as error:
            return self._unseen(str(error))
        except Exception as error:  # a part that nobody foresaw must not end the line
            return self._unseen(f"{type(error).__name__}: {error}")

    def _unseen(self, reason: str) -> Looked:
        return Looked(self._said(Verdict.UNINSPECTED, None, reason))

    def _said(self, verdict: Verdict, score: float | None, reason: str = "") -> Judgement:
        versions = (self._hash, self._thresholds)
        return Judgement(verdict, score, reason, *versions, config=self._config)

    def _looked(self, one: Captured) -> Looked:
        if one.fault:
            raise UserError(one.fault)
        feature = self.feature_of(one.feature)
        image = opened(one.picture, self._setting.bits)
        crop = crop_of(image, self.package.size)
        score, anomaly_map = self._scored(crop, feature)
        if not np.isfinite(score):
            raise UserError(f"The model gave no number ({score}).")
        called = CALLED[verdict(score, self.limits(feature))]
        said = replace(self._said(called, score), suspended=feature in self.suspended)
        return Looked(replace(said, **measured(image, crop)), anomaly_map)

    def _scored(self, crop: NDArray[np.uint8], feature: str) -> tuple[float, NDArray[np.float32]]:
        fed = self.package.feed(crop[None], [feature])
        scores, maps = self._session.run(["score", "anomaly_map"], fed)
        return float(scores[0]), maps[0]

    def drift(self) -> str:
        """See `Judge`. A variant is held to what it gave when it judged here first: the gate has
        weighed by how much it differs from full precision."""
        tried = list(self.golden())
        for one in tried:
            if not one.holds:
                return (
                    f"The golden part {one.name} scores {one.score:.6g} here, not "
                    f"{one.wanted:.6g} as before. Nothing may be judged with this package on this "
                    "computer."
                )
        self._setting.variant.remember(self._setting.home, {one.name: one.score for one in tried})
        return ""

    def golden(self) -> Iterator[Golden]:
        """The package's golden parts, judged now."""
        folder, variant = self.package.folder / "golden", self._setting.variant
        kept = variant.remembered(self._setting.home)
        for row in runs.read_json(folder / "golden.json")["pictures"]:
            name = str(row["name"])
            score = self._golden(row, (folder / row["file"]).read_bytes())
            wanted = kept.get(name, score) if variant.file else self._promised(row)
            yield Golden(name, wanted, score)

    def _promised(self, row: Mapping[str, Any]) -> float:
        """The score that golden.json promises of a golden part."""
        return float(row["expected"]["score"])

    def _golden(self, row: Mapping[str, Any], picture: bytes) -> float:
        """Its score here."""
        crop = crop_of(opened(picture, self._setting.bits), self.package.size)
        return self._scored(crop, row["feature_type"])[0]


def measured(image: Image.Image, crop: NDArray[np.uint8]) -> dict[str, Any]:
    """What tells why scores drift: brightness and sharpness of the crop, edge of its picture."""
    found = measures_of(crop)
    edge = float(np.sqrt(image.width * image.height))
    return {"brightness": found["brightness"], "sharpness": found["sharpness"], "edge": edge}


def _hash_of(config: str, versions: dict[str, Any]) -> str:
    text = json.dumps([config, versions], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def opened(picture: bytes, bits: int) -> Image.Image:
    """A picture in RGB as its camera meant it to stand, one of more than 8 bits a channel scaled by
    the bits in use. Raises UserError where it is none."""
    try:
        with Image.open(BytesIO(picture)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise UserError(f"The picture has {image.width} × {image.height} px, too many.")
            if not imagefiles.is_deep(image):
                return ImageOps.exif_transpose(image).convert("RGB")
            name = f"picture.{(image.format or 'bin').lower()}"
        white = 2**bits - 1
        return Image.fromarray(imagefiles.read_upload(name, picture, Depth(white)))
    except UserError:
        raise
    except Exception as error:  # a decoder may raise anything
        raise UserError("The picture cannot be decoded.") from error

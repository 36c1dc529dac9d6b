"""Study: what the job is asked for, and what it gives back."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.core.specs import param
from backend.detection import alarms, start_weights
from backend.detection.study import arms
from backend.detection.study.arms import ARMS, ARMS_HELP, MIXINGS, Trial
from backend.images import imageset
from backend.images.folder import SUFFIXES
from backend.images.vocabulary import BOXES, PHOTOGRAPHS
from backend.numeric.hardware import GPU_SHARE, cpu_macs_per_second, duration, find_gpu
from backend.records import UserError
from backend.wording import counted

GMACS = {  # multiply-adds of one image at 640 px, from ultralytics' tables
    **{"yolov5n": 3.9, "yolov5s": 12.0, "yolov8n": 4.4, "yolov8s": 14.3},
    **{"yolo11n": 3.3, "yolo11s": 10.8, "yolo26n": 2.7, "yolo26s": 10.4},
}
CPU_SHARE = 0.45  # of a matrix product's speed that a training step reaches
IMAGE_SECONDS = 0.004  # to read and change one training image of 160 px
TEST_SECONDS = 6.0  # to start a trial, and to test it


@dataclass(frozen=True)
class Spec:
    """Settings of a study. Test images are those of the test set, else the folder's own `test`;
    they are never trained on."""

    real_run: str = param(
        "",
        "imported images with and without boxes; those put aside for tests are not trained on",
        run="generate|label",
        wants=PHOTOGRAPHS,
        optional=True,
    )
    test_run: str = param(
        "",
        "locked test images to judge on; they go with imported images",
        run="testset",
        optional=True,
    )
    real_folder: str = param(
        "",
        "or real images in YOLO's layout: data.yaml with 'train' and, without a test set, 'test'",
        path="folder",
        upload=(".zip",),
        optional=True,
    )
    intact_folder: str = param(
        "",
        "photographs of intact parts; <folder>.csv beside it assigns 'train' and 'test'",
        path="folder",
        upload=(".zip", *SUFFIXES),
        optional=True,
    )
    arms: tuple[str, ...] = param(ARMS[:7], ARMS_HELP, choices=ARMS, grows=1)
    synthetic_runs: tuple[str, ...] = param(
        (),
        "students and image sets; none may show test images or real defects you want to count; "
        "without real images, each is compared with the first",
        run=f"distill|{imageset.KINDS}",
        wants=BOXES,
        optional=True,
    )
    mixing: str = param(
        "each", "several synthetic runs: a variant for each, one of all mixed, or both",
        choices=MIXINGS,
    )  # fmt: skip
    synthetic_count: int = param(
        200, "synthetic images of a variant; as many are made by copy and paste", lo=1, hi=100_000
    )
    amounts: tuple[int, ...] = param(
        (10, 20), "numbers of real images, 0 and more; all there are where a number is larger",
        lo=0, hi=100_000,
    )  # fmt: skip
    seeds: int = param(
        3, "trainings of each variant, with other real images each", lo=1, hi=50, grows=1
    )
    model: str = param("yolov8n", "network; its size is the last letter", choices=tuple(GMACS))
    start: str = start_weights.start_param()
    weights_file: str = start_weights.file_param()
    size: int = param(160, "longer edge of all images, px", lo=32, hi=1280)
    steps: int = param(150, "training steps, the same for every variant", lo=1, hi=100_000, grows=1)
    batch: int = param(16, "images a step", lo=2, hi=256, advanced=True)
    alarm_rate: float = alarms.rate_param()
    jobs: int = param(1, "trainings at the same time, each on one core", lo=1, hi=64, advanced=True)
    seed: int = param(0, "seed of the first training; the next has the next seed", lo=0, hi=10**6)

    def check(self) -> None:
        """Raises UserError for settings that do not go together."""
        wanted = {part for arm in self.arms for part in arms.parts_of(arm)[0]}
        if not self.arms or not self.amounts:
            raise UserError("Variants and amounts: choose at least one of each.")
        self._check_real()
        if self.size % 32:
            raise UserError(f"Size must be a multiple of 32 px; got {self.size}.")
        if "synthetic" in wanted and not self.synthetic_runs:
            raise UserError(
                "Synthetic images: choose at least one run, or leave out the variants with "
                "synthetic images."
            )
        if wanted & {"intact", "copy-paste"} and not (self.intact_folder or self.real_run):
            raise UserError(
                "Intact folder is missing: name one, or leave out the variants with intact "
                "photographs."
            )
        if not self.trials(self.synthetic_runs):
            raise UserError("Amounts: with 0 real images none of these variants has any image.")

    def _check_real(self) -> None:
        if bool(self.real_run) == bool(self.real_folder):
            raise UserError("Choose either imported images or a folder of real images, not both.")
        if self.real_run and not self.test_run:
            raise UserError(
                "Locked test images are missing: put a share of the imported images aside on the "
                "page Locked test images, and choose that."
            )

    def starts_from(self) -> start_weights.Start:
        """The weights at hand for every training."""
        return start_weights.find(self.model, self.weights_file, self.start)

    def trials(self, sources: Sequence[str]) -> list[Trial]:
        """Every training, with these names for the synthetic runs."""
        return arms.planned(
            arms.expanded(self.arms, sources, self.mixing), self.amounts, self.seeds
        )

    def estimate(self) -> str:
        """What the study will cost, in words, before it starts."""
        count = len(self.trials(self.synthetic_runs))
        area = (self.size / 640) ** 2
        macs = 3e9 * GMACS[self.model] * area * self.batch * self.steps
        gpu = find_gpu()
        speed = gpu.flops * GPU_SHARE[1] if gpu else cpu_macs_per_second() * CPU_SHARE
        images = self.steps * self.batch * IMAGE_SECONDS * max(1.0, self.size / 160)
        seconds = macs / speed + images + TEST_SECONDS
        at_once = self.jobs if gpu is None else 1
        return (
            f"{counted(count, 'training')} of {counted(self.steps, 'step')}, roughly "
            f"{duration(seconds)} each on "
            f"{gpu.name if gpu else 'this CPU'} and {duration(count * seconds / at_once)} "
            "together; after the first ones the remaining time is shown."
        )


@dataclass(frozen=True, kw_only=True)
class Result:
    """verdict: what the whole study says; verdicts: each arm against its baseline, in sentences
    that begin with helps, harms or cannot be told. test_hash names the test images.
    test_defect_groups: test specimens with a box.

    alarm_rate: that the confidences keep to, 1.0 from earlier versions; held_intact: the fewest
    parts without a defect that chose the confidence of a training; held_failed: trainings that
    found none which keeps to it. start: what every training
    started from, in words; "" from earlier versions.
    constant_box_ap50: the control, one box in the middle of every test image. seconds_per_trial:
    of one training with its test. near_duplicates: training images, or images behind them, that
    look like a test image; none of them is one. notes: what was noticed while reading.
    """

    verdict: str = ""
    verdicts: tuple[str, ...]
    trials: int
    seeds: int
    steps: int
    test_images: int
    test_intact: int
    test_groups: int
    test_defect_groups: int | None = None
    test_boxes: int
    real_training_images: int
    intact_training_images: int
    constant_box_ap50: float
    alarm_rate: float = 1.0
    held_intact: int | None = None
    held_failed: int | None = None
    pretrained: bool
    start: str = ""
    seconds_per_trial: float
    test_hash: str
    near_duplicates: int
    notes: tuple[str, ...] = ()

    def said_of_alarms(self) -> str:
        """What the confidences of its trainings keep to, see `alarms`."""
        return alarms.said_of_trainings(
            self.alarm_rate, self.held_intact, self.held_failed, self.trials
        )

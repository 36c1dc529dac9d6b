"""Which sections of docs/ help with which page: its method, its limits, what was measured."""

SOURCES = "line#sources"
STUDENTS = (
    *("methods#student-with-learned-latents", "methods#student-of-noise-and-picture"),
    *("methods#student-of-the-paper", "results#the-student"),
)
BASELINES = ("methods#padim", "methods#mahalanobis", "methods#knn", "methods#patchcore")
DETECTORS = ("methods#detector", "methods#real-and-synthetic-images-together")

TOPICS: dict[str, tuple[str, ...]] = {  # script without folder and ending → sections
    "home/overview": ("pages",),
    "home/data": ("pages", "data"),
    "home/models": ("pages", "methods"),
    "home/deployment": ("pages", "methods#gate", "methods#latency"),
    "home/production": ("line",),
    "ways/photographs": ("data", *DETECTORS, "results#detectors-on-real-photographs"),
    "ways/parts": ("data", "methods#threshold", "results#good-only-inspection-on-real-parts"),
    "experiments/glass_paper": ("methods#student-of-the-paper", "methods#detector"),
    "experiments/inkjet_paper": ("methods#diffusion-score", "methods#threshold"),
    "teachers/images": (
        *("methods#renderer", "methods#diffusion-teacher", "methods#stable-diffusion-and-lora"),
        *("data", "results#the-teachers"),
    ),
    "teachers/composites": ("methods#copy-and-paste-and-a-students-defects", "methods#renderer"),
    "teachers/diffusion": ("methods#diffusion-teacher", "results#the-teachers"),
    "teachers/lora": ("methods#stable-diffusion-and-lora",),
    "inspection/parts": ("data", "data#what-is-read-and-what-is-said"),
    "labels/curation": ("data#what-is-read-and-what-is-said",),
    "labels/automatic": (
        *("methods#label-from-fine-lines", "methods#label-in-the-middle"),
        *("methods#label-from-attention", "results#automatic-labels"),
    ),
    "labels/by_detector": ("methods#label-by-a-detector", "results#detectors-on-real-photographs"),
    "labels/agreement": ("results#automatic-labels", "methods#label-from-fine-lines"),
    "students/samples": STUDENTS,
    "students/distill": STUDENTS,
    "students/similarity": ("methods#statistics", "results#the-student"),
    "students/compare": ("methods#statistics", "results#the-student"),
    "detection/dataset": ("methods#real-and-synthetic-images-together",),
    "detection/testset": ("architecture", "results#detectors-on-real-photographs"),
    "detection/detector": (*DETECTORS, "results#detectors-on-real-photographs"),
    "detection/study": ("methods#statistics", "results#detectors-on-real-photographs"),
    "detection/try_it": ("methods#detector",),
    "inspection/model": (
        *("methods#diffusion-score", "methods#features", *BASELINES, "methods#statistics"),
        "results#good-only-inspection-on-real-parts",
    ),
    "inspection/ablation": ("methods#diffusion-score", "methods#statistics"),
    "inspection/benchmark": ("methods#benchmark-on-public-sets", "methods#statistics"),
    "inspection/threshold": ("methods#threshold", "methods#detection-probability-by-size"),
    "inspection/try_part": ("methods#threshold", "methods#diffusion-score"),
    "inspection/part_explorer": ("methods#diffusion-score", *BASELINES),
    "deployment/package": ("results#how-fast-packages-are", "methods#int8-and-fp16"),
    "deployment/gate": ("methods#gate", "methods#int8-and-fp16", "results#int8-behind-the-gate"),
    "deployment/latency": ("methods#latency", "results#how-fast-packages-are"),
    "line/live": ("line#the-way-of-a-part", "line#golden-parts-pictures-troubles", "line#limits"),
    "line/lines": ("line", SOURCES, "line#sinks", "line#which-file-judges", "line#limits"),
    "line/review": (
        *("line#people-look-at-parts", "methods#escapes-and-false-alarms"),
        "methods#attribute-agreement",
    ),
    "line/history": ("line#the-way-of-a-part", "line#acceptance-protocol", "line#limits"),
    "line/promise": (
        *("line#the-promise-watches-itself", "methods#drift-alarm"),
        *("methods#escapes-and-false-alarms", "methods#attribute-agreement"),
        *("line#acceptance-protocol", "results#the-promise-of-a-line"),
    ),
    "line/shadow": (
        *("line#a-candidate-beside-the-line", "line#other-limits-the-last-weeks-again"),
        "methods#the-last-weeks-again",
    ),
    "line/rabbits": ("line#red-rabbits", "methods#red-rabbits"),
    "line/recordings": ("line#the-flight-recorder",),
    "sharing/compare": ("methods#statistics",),
    "sharing/query": ("architecture",),
    "sharing/links": ("network",),
    "system/runs": ("architecture", "command-line"),
    "system/storage": ("operating", "architecture"),
    "system/computers": ("cluster",),
    "system/notices": ("notifications",),
    "system/glossary": ("pages",),
    "system/help": ("pages",),
    "access/projects": ("projects",),
    "access/people": ("network",),
    "access/audit": ("network", "architecture"),
}


def of(path: str) -> tuple[str, ...]:
    """The sections that help with a page, by its script's path."""
    return TOPICS.get(path.removeprefix("pages/").removesuffix(".py"), ())

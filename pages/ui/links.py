"""Every page's address, and which page shows which kind of run."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

ICON = Path(__file__).with_name("icon.png")
WORDMARK = Path(__file__).with_name("wordmark.svg")


@dataclass(frozen=True)
class Entry:
    """One page of the navigation. url is "" for the page at the root."""

    path: str
    title: str
    icon: str
    url: str
    kind: str = ""


def _entry(path: str, title: str, icon: str, kind: str = "") -> Entry:
    section, name = path.split("/")
    url = "" if name == "overview" else f"{section}-{name}".replace("_", "-")
    return Entry(f"pages/{path}.py", title, f":material/{icon}:", url, kind)


SECTIONS = {
    "Home": [_entry("home/overview", "Overview", "home")],
    "Teachers": [
        _entry("teachers/images", "Teacher images", "image", "generate"),
        _entry("teachers/composites", "Defects on good parts", "add_photo_alternate", "composite"),
        _entry("teachers/diffusion", "Diffusion teacher", "grain", "diffusion"),
        _entry("teachers/lora", "Own style (LoRA)", "brush", "lora"),
    ],
    "Labels": [
        _entry("labels/automatic", "Automatic labels", "label", "label"),
        _entry("labels/agreement", "Label agreement", "rule", "agreement"),
        _entry("labels/curation", "Labels and curation", "edit_note"),
    ],
    "Students": [
        _entry("students/distill", "Student generator", "model_training", "distill"),
        _entry("students/similarity", "Similarity", "compare", "similarity"),
        _entry("students/compare", "Compare students", "leaderboard"),
        _entry("students/samples", "Student images", "photo_library", "sample"),
        _entry("students/export", "Student export", "deployed_code", "student-export"),
    ],
    "Detection": [
        _entry("detection/dataset", "Synthetic data set", "dataset", "dataset"),
        _entry("detection/testset", "Frozen test set", "ac_unit", "testset"),
        _entry("detection/detector", "Detector", "center_focus_strong", "detector"),
        _entry("detection/try_it", "Try a detector", "photo_camera"),
        _entry("detection/study", "Study", "science", "study"),
    ],
    "Inspection": [
        _entry("inspection/parts", "Parts", "category", "parts"),
        _entry("inspection/model", "Anomaly model", "bar_chart", "inspect"),
        _entry("inspection/threshold", "Threshold", "gavel", "threshold"),
        _entry("inspection/part_explorer", "Part explorer", "search"),
        _entry("inspection/ablation", "Ablation", "tune", "ablation"),
    ],
    "Deployment": [
        _entry("deployment/export", "Export", "output", "export"),
        _entry("deployment/latency", "Latency", "timer", "latency"),
    ],
    "System": [
        _entry("system/runs", "Runs", "list_alt"),
        _entry("system/storage", "Storage", "hard_drive"),
    ],
}

MOVED = {  # addresses of earlier versions, which people have bookmarked, and where they lead now
    "synthesis-teacher": "teachers/images",
    "synthesis-composites": "teachers/composites",
    "synthesis-diffusion": "teachers/diffusion",
    "synthesis-lora": "teachers/lora",
    "synthesis-labels": "labels/automatic",
    "synthesis-agreement": "labels/agreement",
    "synthesis-curation": "labels/curation",
    "synthesis-student": "students/distill",
    "synthesis-similarity": "students/similarity",
    "synthesis-students": "students/compare",
    "synthesis-student-images": "students/samples",
    "synthesis-student-export": "students/export",
    "synthesis-dataset": "detection/dataset",
    "synthesis-testset": "detection/testset",
    "synthesis-detector": "detection/detector",
    "synthesis-try-it": "detection/try_it",
    "synthesis-study": "detection/study",
    "inspection-auroc": "inspection/model",
}
OVERVIEW = "pages/home/overview.py"
RUNS, STORAGE = "pages/system/runs.py", "pages/system/storage.py"
STUDENTS = "pages/students/compare.py"
EXPLORER = "pages/inspection/part_explorer.py"
TRY_IT = "pages/detection/try_it.py"
BY_KIND = {e.kind: e for entries in SECTIONS.values() for e in entries if e.kind}


def navigation() -> dict[str, list[st.Page]]:
    """Section → its pages, as `st.navigation` takes them; old addresses are hidden pages."""
    found = {
        section: [
            st.Page(e.path, title=e.title, icon=e.icon, url_path=e.url, default=not e.url)
            for e in entries
        ]
        for section, entries in SECTIONS.items()
    }
    found["Home"] += [
        st.Page(partial(_lead_on, place), title="Moved", url_path=url, visibility="hidden")
        for url, place in MOVED.items()
    ]
    return found


def _lead_on(place: str) -> None:
    """From an old address to the page's own, its query with it."""
    st.switch_page(f"pages/{place}.py", query_params=st.query_params.to_dict())


def to_kind(kind: str, label: str = "", run_id: str = "") -> None:
    """A link to the page of a kind of run, opened at one run if named."""
    entry = BY_KIND[kind]
    st.page_link(
        entry.path,
        label=label or entry.title,
        icon=entry.icon,
        query_params={"run": run_id} if run_id else None,
    )


def to_run(run_id: str, label: str = "All about this run") -> None:
    st.page_link(RUNS, label=label, icon=":material/list_alt:", query_params={"run": run_id})


def to_part(run_id: str, part: str = "", label: str = "Look at this part") -> None:
    """A link to the parts of an anomaly model, opened at one of them if named."""
    query = {"run": run_id} | ({"part": part} if part else {})
    st.page_link(EXPLORER, label=label, icon=":material/search:", query_params=query)


def to_detector(run_id: str, label: str = "Try it on your own pictures") -> None:
    """A link to where a detector is tried out."""
    st.page_link(TRY_IT, label=label, icon=":material/photo_camera:", query_params={"run": run_id})

"""Every page's address, and which page shows which kind of run."""

from dataclasses import dataclass
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
    "Defect images": [
        _entry("synthesis/teacher", "Teacher images", "image", "generate"),
        _entry("synthesis/composites", "Defects on good parts", "add_photo_alternate", "composite"),
        _entry("synthesis/labels", "Automatic labels", "label", "label"),
        _entry("synthesis/agreement", "Label agreement", "rule", "agreement"),
        _entry("synthesis/curation", "Labels and curation", "edit_note"),
    ],
    "Synthesis": [
        _entry("synthesis/diffusion", "Diffusion teacher", "grain", "diffusion"),
        _entry("synthesis/lora", "Own style (LoRA)", "brush", "lora"),
        _entry("synthesis/student", "Student generator", "model_training", "distill"),
        _entry("synthesis/similarity", "Similarity", "compare", "similarity"),
        _entry("synthesis/students", "Compare students", "leaderboard"),
        _entry("synthesis/student_images", "Student images", "photo_library", "sample"),
        _entry("synthesis/student_export", "Student export", "deployed_code", "student-export"),
        _entry("synthesis/dataset", "Synthetic data set", "dataset", "dataset"),
        _entry("synthesis/testset", "Frozen test set", "ac_unit", "testset"),
        _entry("synthesis/detector", "Detector", "center_focus_strong", "detector"),
        _entry("synthesis/try_it", "Try a detector", "photo_camera"),
        _entry("synthesis/study", "Study", "science", "study"),
    ],
    "Inspection": [
        _entry("inspection/parts", "Parts", "category", "parts"),
        _entry("inspection/auroc", "Anomaly model", "bar_chart", "inspect"),
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

OVERVIEW = "pages/home/overview.py"
RUNS, STORAGE = "pages/system/runs.py", "pages/system/storage.py"
STUDENTS = "pages/synthesis/students.py"
EXPLORER = "pages/inspection/part_explorer.py"
TRY_IT = "pages/synthesis/try_it.py"
BY_KIND = {e.kind: e for entries in SECTIONS.values() for e in entries if e.kind}


def navigation() -> dict[str, list[st.Page]]:
    """Section → its pages, as `st.navigation` takes them."""
    return {
        section: [
            st.Page(e.path, title=e.title, icon=e.icon, url_path=e.url, default=not e.url)
            for e in entries
        ]
        for section, entries in SECTIONS.items()
    }


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

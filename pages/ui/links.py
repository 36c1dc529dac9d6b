"""Every page's address, and which page shows which kind of run."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from backend.core import registry

ICON = Path(__file__).with_name("icon.png")
WORDMARK = Path(__file__).with_name("wordmark.svg")


@dataclass(frozen=True)
class Entry:
    """One page. url is "" for the page at the root.

    words: what it is for, where no kind of run says so. shown: whether it stands in the sidebar;
    the others are listed on their section's own page. admins: whether it is for them alone.
    """

    path: str
    title: str
    icon: str
    url: str
    kind: str = ""
    words: str = ""
    shown: bool = False
    admins: bool = False

    @property
    def purpose(self) -> str:
        """What the page is for, in a sentence."""
        return self.words or registry.get(self.kind).summary


def _entry(path: str, title: str, icon: str, kind: str = "", words: str = "") -> Entry:
    section, name = path.split("/")
    url = "" if name == "overview" else f"{section}-{name}".replace("_", "-")
    return Entry(f"pages/{path}.py", title, f":material/{icon}:", url, kind, words)


def _shown(path: str, title: str, icon: str, kind: str = "", words: str = "") -> Entry:
    """A page that stands in the sidebar."""
    return replace(_entry(path, title, icon, kind, words), shown=True)


OPEN = 4  # most entries of a section in the sidebar
SECTIONS = {
    "Start": [
        _shown("home/overview", "Overview", "home"),
        _shown("ways/photographs", "Find defects", "travel_explore"),
        _shown("ways/parts", "Inspect parts", "fact_check"),
    ],
    "Papers": [
        _shown("experiments/glass_paper", "Repeat the glass paper", "menu_book"),
        _shown("experiments/inkjet_paper", "Repeat the inkjet paper", "menu_book"),
    ],
    "Data": [
        _shown("teachers/images", "Teacher images", "image", "generate"),
        _shown("inspection/parts", "Parts", "category", "parts"),
        _shown(
            *("labels/curation", "Labels and curation", "edit_note"),
            words="Look through images, correct their boxes by hand, keep or reject them.",
        ),
        _shown("home/data", "All about data", "apps"),
        _entry("teachers/composites", "Defects on good parts", "add_photo_alternate", "composite"),
        _entry("labels/automatic", "Automatic labels", "label", "label"),
        _entry("labels/by_detector", "Labels by a detector", "label_important", "pseudo-label"),
        _entry("labels/agreement", "Label agreement", "rule", "agreement"),
        _entry("students/samples", "Student images", "photo_library", "sample"),
        _entry("detection/dataset", "Synthetic data set", "dataset", "dataset"),
        _entry("detection/testset", "Locked test images", "lock", "testset"),
    ],
    "Models": [
        _shown("detection/detector", "Detector", "center_focus_strong", "detector"),
        _shown("inspection/model", "Anomaly model", "bar_chart", "inspect"),
        _shown("students/distill", "Student generator", "model_training", "distill"),
        _shown("home/models", "All about models", "apps"),
        _entry("detection/study", "Study", "science", "study"),
        _entry("inspection/ablation", "What each setting brings", "tune", "ablation"),
        _entry("inspection/benchmark", "Benchmark", "scoreboard", "benchmark"),
        _entry("students/similarity", "Similarity", "compare", "similarity"),
        _entry(
            *("students/compare", "Compare students", "leaderboard"),
            words="Quality of all students against training time, size and speed.",
        ),
        _entry("teachers/diffusion", "Diffusion teacher", "grain", "diffusion"),
        _entry("teachers/lora", "Own style (LoRA)", "brush", "lora"),
    ],
    "Deployment": [
        _shown("inspection/threshold", "Threshold", "gavel", "threshold"),
        _shown("deployment/package", "Package", "inventory_2", "package"),
        _shown(
            *("inspection/try_part", "Try a part", "photo_camera"),
            words="Drop a picture of a part: its score, what the limits make of it, and the map.",
        ),
        _shown("home/deployment", "All about deployment", "apps"),
        _entry(
            *("detection/try_it", "Try a detector", "photo_camera"),
            words="Drop pictures or use the camera: the boxes that a detector draws, and its time.",
        ),
        _entry(
            *("inspection/part_explorer", "Part explorer", "search"),
            words="Each part with its map, its scores and the GOOD parts most like it.",
        ),
        _entry("deployment/gate", "Gate", "verified", "gate"),
        _entry("deployment/latency", "Latency", "timer", "latency"),
    ],
    "Production": [
        _shown("line/live", "Live", "monitoring", words="What a line judges just now."),
        _shown("line/lines", "Lines", "conveyor_belt", "line"),
        _shown(
            *("line/review", "Review queue", "rate_review"),
            words="Judge parts one by one that the line was not sure of, and some drawn by lot.",
        ),
        _shown("home/production", "All about production", "apps"),
        _entry("line/history", "History", "history", words="Every verdict of a line."),
        _entry(
            *("line/promise", "Promise", "verified_user"),
            words="Does what the limits promise still hold, and what does the line let through?",
        ),
        _entry(
            *("line/rabbits", "Red rabbits", "cruelty_free"),
            words="Does a line still find known defects, painted onto its own GOOD parts?",
        ),
        _entry(
            *("line/shadow", "Shadow", "contrast"),
            words="What other limits or another model would make of a line's parts.",
        ),
        _entry(
            *("line/recordings", "Recordings", "emergency_recording"),
            words="The parts around every alarm, to be taken away and judged again elsewhere.",
        ),
    ],
    "Share": [
        _shown(
            *("sharing/compare", "Compare runs", "compare_arrows"),
            words="All runs of a kind in one table, and those you pick beside each other.",
        ),
        _shown(
            *("sharing/query", "Ask the data", "database_search"),
            words="Questions in SQL over every figure, score and verdict, read-only.",
        ),
        _shown(
            *("sharing/links", "Shared links", "link"),
            words="Reports that somebody without an account reads by a link; take one back.",
        ),
    ],
    "System": [
        _shown("system/runs", "Runs", "list_alt"),
        _shown("system/storage", "Storage", "hard_drive"),
        _shown("system/notices", "Notifications", "notifications"),
        _shown("system/computers", "Computers", "lan"),
    ],
    "Help": [
        _shown("system/glossary", "Glossary", "dictionary"),
        _shown("system/help", "Help", "help"),
    ],
    "Access": [
        replace(_shown("access/people", "People", "group"), admins=True),
        _shown("access/projects", "Projects", "folder_shared"),
        replace(_shown("access/audit", "Audit log", "policy"), admins=True),
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
    "synthesis-student-export": "deployment/package",
    "students-export": "deployment/package",
    "deployment-export": "deployment/package",
    "synthesis-dataset": "detection/dataset",
    "synthesis-testset": "detection/testset",
    "synthesis-detector": "detection/detector",
    "synthesis-try-it": "detection/try_it",
    "synthesis-study": "detection/study",
    "inspection-auroc": "inspection/model",
    "home-line": "home/deployment",
}
OVERVIEW = "pages/home/overview.py"
RUNS, STORAGE = "pages/system/runs.py", "pages/system/storage.py"
NOTICES, HELP = "pages/system/notices.py", "pages/system/help.py"
SHARED = "pages/sharing/links.py"
STUDENTS = "pages/students/compare.py"
EXPLORER = "pages/inspection/part_explorer.py"
CURATION = "pages/labels/curation.py"
CURATED = (
    "generate",
    "composite",
    "label",
    "sample",
    "dataset",
)  # by hand
TRY_IT = "pages/detection/try_it.py"
EXPERIMENTS = dict(zip(("glass", "inkjet"), SECTIONS["Papers"], strict=True))  # verb → page
LIVE = "pages/line/live.py"
REVIEW, PROMISE = "pages/line/review.py", "pages/line/promise.py"
TRY_PART = "pages/inspection/try_part.py"
WAYS = {
    e.path.split("/")[-1].removesuffix(".py"): e for e in SECTIONS["Start"] if "/ways/" in e.path
}
BY_KIND = {e.kind: e for entries in SECTIONS.values() for e in entries if e.kind}


def navigation(admin: bool) -> dict[str, list[st.Page]]:
    """Section → its pages, as `st.navigation` takes them; what is not shown is a hidden page, and
    so are old addresses. admin: whether pages for admins are shown. Made once a visit: Streamlit
    looks for the file of each."""
    key = f"navigation-{admin}"
    if key not in st.session_state:
        st.session_state[key] = _navigation(admin)
    made: dict[str, list[st.Page]] = st.session_state[key]
    return made


def _navigation(admin: bool) -> dict[str, list[st.Page]]:
    found = {s: [_page(e, admin) for e in entries] for s, entries in SECTIONS.items()}
    found["Start"] += [
        st.Page(partial(_lead_on, place), title="Moved", url_path=url, visibility="hidden")
        for url, place in MOVED.items()
    ]
    return found


def _page(entry: Entry, admin: bool) -> st.Page:
    return st.Page(
        entry.path,
        title=entry.title,
        icon=entry.icon,
        url_path=entry.url,
        default=not entry.url,
        visibility="visible" if entry.shown and (admin or not entry.admins) else "hidden",
    )


def way_up(url: str) -> None:
    """On a page that the sidebar does not show: a link to the page of its section that lists it."""
    for section, entries in SECTIONS.items():
        if any(e.url == url and not e.shown for e in entries):
            top = next(e for e in entries if e.path.startswith("pages/home/"))
            st.page_link(top.path, label=section, icon=":material/arrow_upward:")


def section_page(section: str, words: str) -> None:
    """Every page of a section, with what it is for."""
    st.title(f"All about {words}", anchor=False)
    url = next(e.url for e in SECTIONS[section] if e.path.startswith("pages/home/"))
    told = f"Every page about {words}, each with what it is for. Choose what you want to do."
    st.markdown(f"{told} {help_words(url)}")
    entries = [e for e in SECTIONS[section] if e.kind or e.words]
    for left in range(0, len(entries), 2):
        for column, entry in zip(st.columns(2), entries[left : left + 2], strict=False):
            with column, st.container(border=True, height="stretch"):
                st.page_link(entry.path, label=f"**{entry.title}**", icon=entry.icon)
                st.caption(entry.purpose)


def every() -> list[Entry]:
    """All pages."""
    return [entry for entries in SECTIONS.values() for entry in entries]


def to_page(entry: Entry, label: str) -> None:
    """A link to a page."""
    st.page_link(entry.path, label=label, icon=entry.icon)


def to_help(label: str, icon: str = "article", **query: str) -> None:
    """A link to the help on a page (`page`), or to a document (`doc`) or its `section`."""
    named = {name: value for name, value in query.items() if value}
    st.page_link(HELP, label=label, icon=f":material/{icon}:", query_params=named or None)


def help_address(document: str, section: str) -> str:
    """Where a section of a document is shown, from any page."""
    query = {"doc": document} | ({"section": section} if section else {})
    return f"system-help?{urlencode(query)}"


def help_words(url: str) -> str:
    """Behind the words of the page of that address: the way to its help, in a tab of its own."""
    return f"[Help](system-help?{urlencode({'page': url or 'overview'})})"


def _lead_on(place: str) -> None:
    """From an old address to the page's own, its query with it."""
    st.switch_page(f"pages/{place}.py", query_params=st.query_params.to_dict())


def to_kind(kind: str, label: str = "", run_id: str = "", source: str = "") -> None:
    """A link to the page of a kind of run, opened at one run if named.

    source: the id of a run that a new one is to be made from; its form is open, and filled in.
    """
    entry = BY_KIND[kind]
    query = {"run": run_id} if run_id else {"from": source} if source else None
    st.page_link(entry.path, label=label or entry.title, icon=entry.icon, query_params=query)


def to_experiment(verb: str, label: str = "", icon: str = "", **query: str) -> None:
    """A link to the page that repeats a paper, at one repeat if its run is named."""
    entry = EXPERIMENTS[verb]
    label, icon = label or entry.title, icon or entry.icon
    st.page_link(entry.path, label=label, icon=icon, query_params=query or None)


def to_run(run_id: str, label: str = "All about this run") -> None:
    st.page_link(RUNS, label=label, icon=":material/list_alt:", query_params={"run": run_id})


def to_part(run_id: str, part: str = "", label: str = "Look at this part") -> None:
    """A link to the parts of an anomaly model, opened at one of them if named."""
    query = {"run": run_id} | ({"part": part} if part else {})
    st.page_link(EXPLORER, label=label, icon=":material/search:", query_params=query)


def to_label(run_id: str, image: str, label: str = "Label is wrong") -> None:
    """A link to where the labels of one image of a run are corrected."""
    query = {"run": run_id, "image": image}
    st.page_link(CURATION, label=label, icon=":material/edit:", query_params=query)


def to_detector(run_id: str, label: str = "Try it on your own pictures") -> None:
    """A link to where a detector is tried out."""
    st.page_link(TRY_IT, label=label, icon=":material/photo_camera:", query_params={"run": run_id})


def to_try_part(package_run: str, label: str = "Try it on a part") -> None:
    """A link to where a packed anomaly model is tried out."""
    query = {"run": package_run}
    st.page_link(TRY_PART, label=label, icon=":material/photo_camera:", query_params=query)


def to_way(key: str, label: str = "", run_id: str = "") -> None:
    """A link to a guided way, at the one that began with a run if named."""
    entry = WAYS[key]
    query = {"run": run_id} if run_id else None
    st.page_link(entry.path, label=label or entry.title, icon=entry.icon, query_params=query)

"""Labels and curation: keep, reject and delete images, correct their boxes, take them away."""

from typing import Any

import pandas as pd
import streamlit as st

from backend.actions import results
from backend.core import registry
from backend.core.runs import Run
from backend.images import curation, palette
from backend.images.curation import Edit
from backend.images.imageset import boxes_of
from backend.images.vocabulary import CLASSES
from backend.records import RunState, UserError
from backend.settings import settings
from pages.ui import (
    address,
    charts,
    gallery,
    identity,
    image_export,
    links,
    part_labels,
    picture_filters,
    resources,
    run_choice,
    run_view,
    thumbnails,
)
from pages.ui.components import box_editor, contact_sheet
from pages.ui.layout import header, plain_errors
from pages.ui.picture_filters import DISPUTED, Filters

KINDS = (*links.CURATED, "parts")
PAGE_SIZE = 24
KNOWN = (*CLASSES, "defect")
EDITED, LEFT = "curation-edited", "curation-left"
ORDER, ERROR, TOLD = "curation-order", "curation-error", "curation-told"


def _options() -> dict[str, str]:
    """Run id → words of every finished run that holds images, newest first, then those of parts."""
    found = {}
    for kind in KINDS:
        for run_id, words in run_choice.ended(kind, RunState.COMPLETED).items():
            found[run_id] = f"{registry.get(kind).title}: {words}"
    order = sorted(found, key=lambda run_id: ("-parts-" not in run_id, run_id), reverse=True)
    return {run_id: found[run_id] for run_id in order}


@st.fragment
def workbench(run: Run) -> None:
    """Everything about one run; an action rebuilds this alone."""
    with plain_errors():
        problem = st.session_state.pop(ERROR, "")
        if problem:
            st.error(charts.plain(problem), icon=":material/error:")
        for words in st.session_state.pop(TOLD, []):
            st.toast(charts.plain(words), icon=":material/check:")
        images, boxes = curation.images(run.folder), curation.boxes(run.folder)
        _counts(run, images, boxes)
        if not identity.may("results.curate"):
            st.info("You may look; engineers decide.", icon=":material/visibility:")
        filters = picture_filters.ask(run, images, boxes)
        rows = picture_filters.applied(run, images, boxes, filters)
        edited = st.session_state.get(EDITED, {}).get(run.id, "")
        if edited and (images["image"] == edited).any():
            _editor(run, images.set_index("image").loc[edited], boxes, list(rows["image"]))
        else:
            _sheet(run, rows, filters, boxes)
        image_export.offer(run)


def _counts(run: Run, images: pd.DataFrame, boxes: pd.DataFrame) -> None:
    found = images["verdict"].value_counts()
    gone = sum(v == "deleted" for v in curation.verdicts(run.folder).values())
    by_hand = int((boxes["source"] == "hand").sum())
    st.markdown(
        f"**{len(images)}** images · {found.get('kept', 0)} kept · "
        f"{found.get('rejected', 0)} rejected · {gone} deleted · "
        f"{found.get('', 0)} undecided · **{len(boxes)}** boxes, {by_hand} by hand"
    )


def _sheet(run: Run, rows: pd.DataFrame, filters: Filters, boxes: pd.DataFrame) -> None:
    order = st.session_state[ORDER] = rows["image"].tolist()
    if rows.empty:
        st.info(
            "No image meets this filter. Choose less of it above.", icon=":material/filter_alt_off:"
        )
    if filters.duplicates and not rows.empty:
        _reject_copies(run, rows)
    left = st.session_state.get(LEFT, "")
    first = order.index(left) // PAGE_SIZE + 1 if left in order else 1
    pages = max(1, -(-len(rows) // PAGE_SIZE))
    key = f"page-{run.id}-{left}-{abs(hash(filters))}"
    page = st.pagination(pages, default=first, key=key) if pages > 1 else 1
    part = rows.iloc[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    by_image = gallery.boxes_by_image(boxes, part)
    colours, most = palette.colours(boxes["class_name"]), None
    if "boxes" in filters.overlays:
        gallery.legend(colours)
        counts = [len(by_image.get(name, ())) for name in part["image"]]
        most = gallery.most_boxes(max(counts, default=0), run.id)
    items = [_item(run, row, by_image, filters, colours, most) for row in part.itertuples()]
    contact_sheet.contact_sheet(
        contact_sheet.Sheet(items, left, curation.newest(run.folder), list(colours), KNOWN),
        f"sheet-{run.id}",
        lambda a: _decided(run, a),
    )


def _item(
    run: Run,
    row: Any,
    by_image: dict[Any, pd.DataFrame],
    filters: Filters,
    colours: dict[str, str],
    most: int | None,
) -> contact_sheet.Item:
    boxes = by_image.get(row.image)
    count = 0 if boxes is None else len(boxes)
    mask = getattr(row, "mask_path", None) if "masks" in filters.overlays else None
    flag = f"group {row.alike:.0f}" if row.alike else ""
    if filters.order == DISPUTED and row.certainty == row.certainty:
        flag = f"certainty {row.certainty:.2f}"
    flag = " · ".join(filter(None, (flag, row.tag)))
    return contact_sheet.Item(
        id=row.image,
        src=thumbnails.thumbnail(
            run.folder / row.path,
            boxes if "boxes" in filters.overlays else None,
            run.folder / mask if isinstance(mask, str) else None,
            colours,
            most,
        ),
        caption=f"{row.shown} · {count} box{'' if count == 1 else 'es'}",
        verdict=row.verdict,
        flag=flag,
    )


def _reject_copies(run: Run, rows: pd.DataFrame) -> None:
    copies = rows[rows.duplicated("alike") & (rows["verdict"] != "rejected")]["image"]
    words = f"Reject {len(copies)} cop{'y' if len(copies) == 1 else 'ies'}, keep the first of each"
    barred = copies.empty or not identity.may("results.curate")
    if st.button(words, icon=":material/filter_none:", disabled=barred):
        edits = [Edit(image, "rejected") for image in copies]
        _record(run, f"{len(edits)} near-duplicates rejected", edits)
        st.rerun(scope="fragment")


def _record(run: Run, words: str, edits: list[Edit]) -> None:
    results.curate(identity.actor(), settings(), run, words, edits)


def _tell(words: str) -> None:
    """Shown with the next build; a callback may show nothing itself."""
    st.session_state.setdefault(TOLD, []).append(words)


def _decided(run: Run, action: dict[str, Any]) -> None:
    """An action of the sheet."""
    name, ids = action["action"], [str(i) for i in action["ids"]]
    try:
        if name == "open":
            _edit(run, ids[0])
        elif name == "tag":
            tag = str(action["tag"]).strip()
            words = f"{len(ids)} tagged {tag}" if tag else f"tag of {len(ids)} taken away"
            _record(run, words, [Edit(image, tag=tag) for image in ids])
            _tell(f"{words} · U: undo")
        elif name == "relabel":
            old, new = str(action["old"]), str(action["new"]).strip()
            words = results.relabel(identity.actor(), settings(), run, ids, old, new)
            _tell(f"{words} · U: undo")
        elif name == "undo":
            words = results.undo(identity.actor(), settings(), run)
            st.toast(
                f"Taken back: {words}" if words else "Nothing to undo.", icon=":material/undo:"
            )
        else:
            subject = ids[0] if len(ids) == 1 else str(len(ids))
            words = f"{subject} {name or 'without a verdict again'}"
            _record(run, words, [Edit(image, name) for image in ids])
            _tell(f"{words} · U: undo")
    except UserError as error:
        st.session_state[ERROR] = str(error)


def _edit(run: Run, image: str) -> None:
    """The image whose boxes are edited, "" for the sheet."""
    st.session_state[EDITED] = {run.id: image}


def _editor(run: Run, row: pd.Series, boxes: pd.DataFrame, order: list[str]) -> None:
    image = str(row.name)
    if image in order:
        st.session_state[ORDER] = order
    order = st.session_state.get(ORDER, order)
    place = f"{order.index(image) + 1} of {len(order)}" if image in order else "not in the filter"
    present = set(boxes["class_name"])
    ours = [name for name in CLASSES if name in present]
    classes = list(dict.fromkeys([*ours, *sorted(present), *KNOWN]))
    src, width, height = thumbnails.large(str(run.folder / row["path"]))
    box_editor.box_editor(
        box_editor.Sight(image, src, width, height, place, row["shown"]),
        boxes_of(boxes, image),
        classes,
        palette.colours(classes) | palette.colours(present),
        f"editor-{run.id}",
        lambda action: _edited(run, action),
    )
    st.caption(
        "E exact · H by hand · A attention · G edges · C centred · D difference · I imported. "
        "Boxes change, the mask stays as it was made."
    )


def _edited(run: Run, action: dict[str, Any]) -> None:
    """An action of the editor; what was changed is saved before it goes on to another image."""
    image, name = str(action["image"]), action["action"]
    try:
        if action["boxes"] is not None:
            made = box_editor.boxes_of(action["boxes"])
            _record(run, f"boxes of {action['shown']} corrected", [Edit(image, boxes=made)])
            _tell(f"Boxes of {action['shown']} saved")
    except UserError as error:
        st.session_state[ERROR] = str(error)
        return
    order = st.session_state.get(ORDER, [])
    if name in ("next", "previous") and image in order:
        place = order.index(image) + (1 if name == "next" else -1)
        _edit(run, order[min(len(order) - 1, max(0, place))])
    elif name == "close":
        st.session_state[LEFT] = image
        _edit(run, "")


header(
    "Labels and curation",
    "Keep, reject or delete images and correct their boxes by hand. A run never changes: your "
    "decisions lie beside it, can be taken back, and later jobs use what is left.",
)
chosen = run_view.choose_run(KINDS, _options())
if not chosen:
    st.info("No finished run holds images yet. Make some first:", icon=":material/arrow_back:")
    links.to_kind("generate")
else:
    found = resources.supervisor().find(chosen)
    asked = address.asked("image")
    if asked and found.kind != "parts":
        _edit(found, asked)
    if found.state is RunState.COMPLETED and found.kind == "parts":
        part_labels.show(found, asked)
    elif found.state is RunState.COMPLETED:
        workbench(found)
    else:
        st.info("This run made no images. Choose another one above.", icon=":material/info:")
        links.to_kind(found.kind, run_id=found.id)

"""One part: its picture, where the model looks, its scores, and the GOOD parts like it."""

import numpy as np
import pandas as pd
import streamlit as st

from backend.core import runs
from backend.core.runs import Run
from backend.inspection import inspect_part
from backend.inspection.model import anomaly_maps, neighbours
from backend.inspection.model.spec import Spec
from backend.inspection.parts.crops import made_parts, read_crops
from backend.inspection.threshold import active
from backend.plots import thresholds as thresholds_plots
from backend.records import Label
from backend.settings import settings
from pages.ui import charts, links, resources

EDGE = 280  # px of the pictures
Limits = tuple[float | None, float | None]


def limits_in_force(run: Run, method: str) -> dict[str, Limits]:
    """Feature → limits in force; {} where those of another model or score are."""
    found = active.current(settings().storage, run.project)
    if not found or found.inspect_run != run.id:
        return {}
    file = settings().runs / found.run_id / active.FILE
    if not file.is_file():
        return {}
    content = runs.read_json(file)
    if content["method"] != method:
        return {}
    return {
        name: (limits["limit"], limits["review_limit"])
        for name, limits in content["features"].items()
    }


def show(run: Run, table: pd.DataFrame, row: pd.Series, method: str) -> None:
    """Everything about one part."""
    label = Label(row["label"]).name
    words = f"{row['feature']} · {label} · score {row['score']:.2f}"
    verdict = f" · called {row['verdict']}" if row["verdict"] else ""
    st.subheader(f"{charts.plain(row['part'])}", anchor=False)
    st.markdown(f"**{charts.plain(words)}**{verdict}. {_standing(table, row)}")
    _pictures(run, row)
    links.to_label(runs.spec(run, Spec).parts_run, str(row["part"]))
    _among(run, table, row, method)
    left, right = st.columns(2)
    with left:
        _methods(run, row)
    with right:
        _classes(run, row)
    _alike(run, table, row)


def _standing(table: pd.DataFrame, row: pd.Series) -> str:
    """Where the score lies among the GOOD parts of its type."""
    good = table[(table["feature"] == row["feature"]) & (table["label"] == int(Label.GOOD))]
    others = good[good["part"] != row["part"]]["score"]
    below = int((others < row["score"]).sum())
    return f"It scores higher than {below} of {len(others)} other GOOD parts of its type."


def _pictures(run: Run, row: pd.Series) -> None:
    crop = _crop(run, row["part"])
    found = anomaly_maps.of_part(run.folder, row["part"])
    with st.container(horizontal=True, key="large-pictures-part"):
        st.image(crop, width="stretch", caption="the part", alt=f"Part {row['part']}")
        if found is not None:
            st.image(
                np.asarray(inspect_part.overlay(crop, found)),
                width="stretch",
                caption="where it looks unusual (orange), diffusion score",
                alt=f"Anomaly map over part {row['part']}",
            )
    if found is None:
        st.caption("This run kept no anomaly maps. Run the anomaly model again to see them.")
    else:
        st.caption(
            f"The most unusual patch has a z-score of {float(found.max()):.1f}: so many standard "
            "deviations above what GOOD parts show there. The orange is strongest from 6 up. The "
            "model never saw this part."
        )


def _crop(run: Run, part: str) -> np.ndarray:
    folder = settings().runs / runs.spec(run, Spec).parts_run
    frame = made_parts(folder)
    return read_crops(frame[frame["part"] == part], folder, EDGE)[0]


def _among(run: Run, table: pd.DataFrame, row: pd.Series, method: str) -> None:
    """The part's score among those of its type."""
    mine = table[table["feature"] == row["feature"]]
    alarm, review = limits_in_force(run, method).get(row["feature"], (None, None))
    lines = {"BAD above": alarm, "review above": review, "this part": row["score"]}
    title = f"Scores of {row['feature']}, {method}"
    charts.of_run(
        run,
        f"among-{row['part']}",
        lambda: thresholds_plots.limit_histogram(mine, title, lines),
        mine,
        f"Histogram of the scores of {row['feature']} with this part's",
        (title, *lines.values()),
    )


def _methods(run: Run, row: pd.Series) -> None:
    """What each method makes of the part, as its place among the GOOD parts of its type."""
    part, good = str(row["part"]), int(Label.GOOD)
    found = resources.store().of_runs(
        """WITH mine AS (
             SELECT method, score FROM scores WHERE run_id = ? AND part = ? AND repeat = 0)
           SELECT s.method, any_value(mine.score) AS score,
             avg(CASE WHEN s.score < mine.score THEN 1.0 ELSE 0.0 END)
               FILTER (WHERE s.label = ? AND s.part <> ?) AS share
           FROM scores s JOIN mine USING (method)
           WHERE s.run_id = ? AND s.feature = ? AND s.repeat = 0
           GROUP BY s.method ORDER BY min(s.rowid)""",
        [run.id, part, good, part, run.id, str(row["feature"])],
    )
    shares = ["–" if pd.isna(share) else f"{share:.0%}" for share in found["share"]]
    st.dataframe(
        found[["method", "score"]].assign(**{"above GOOD": shares}),
        hide_index=True,
        column_config={"score": st.column_config.NumberColumn(format="%.2f")},
        alt="Score of this part under each method",
    )
    st.caption("Above GOOD: share of the other GOOD parts of its type with a lower score.")


def _classes(run: Run, row: pd.Series) -> None:
    """The diffusion's score of the part as if it were of each class, lowest first."""
    scores = resources.facts("class_scores", run)
    mine = scores[scores["part"] == row["part"]].sort_values("score")
    if mine.empty:
        return
    own = mine["class_name"] == row["feature"]
    shown = pd.DataFrame(
        {"as class": mine["class_name"].where(~own, mine["class_name"] + " (its own)")}
    ).assign(score=mine["score"])
    st.dataframe(
        shown,
        hide_index=True,
        column_config={"score": st.column_config.NumberColumn(format="%.2f")},
        alt="Diffusion score of this part under every class",
    )
    st.caption("Diffusion score under every class; the lowest is the class it resembles most.")


def _alike(run: Run, table: pd.DataFrame, row: pd.Series) -> None:
    st.subheader("GOOD parts most like it", anchor=False)
    found = neighbours.nearest(run.folder, row["part"])
    if not found:
        st.caption("This run kept no features to compare by. Run the anomaly model again.")
        return
    scores = table[table["part"].isin(found)].set_index("part")["score"]
    with st.container(horizontal=True, key="small-pictures-alike"):
        for part in found:
            caption = charts.plain(f"{part} · score {scores[part]:.2f}")
            st.image(_crop(run, part), width="stretch", caption=caption, alt=f"GOOD part {part}")
    st.caption("Nearest by the features that the model sees, averaged over quarters of the part.")

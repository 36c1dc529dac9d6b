"""Students side by side: what each cost, and the measures of its newest similarity run."""

import pandas as pd

QUALITIES = {  # words: subject and metric of a row of `figures`
    "KID of samples": ("samples", "KID"),
    "SSIM, matched minus random": ("matched minus random", "SSIM"),
    "SSIM, the same on images it never saw": ("held-out matched minus random", "SSIM"),
    "Sharpness": ("samples", "sharpness"),
    "Diversity": ("samples", "diversity"),
    "Not copies": ("samples", "not copies"),
    "Mask overlap (IoU)": ("reconstructions", "mask IoU"),
    "Mask overlap on images it never saw": ("held-out reconstructions", "mask IoU"),
    "Mask contrast": ("samples", "mask contrast"),
}
BETTER = {"KID": "lower is better", "sharpness": "teacher: 1", "diversity": "teacher: 1"}
STUDENTS = """
    SELECT s.id, s.name, s.seconds / 60 AS minutes, s.result ->> '$.preset' AS recipe,
           CAST(s.result ->> '$.megabytes' AS DOUBLE) AS megabytes,
           CAST(s.result ->> '$.images' AS INTEGER) AS images,
           (SELECT m.id FROM runs m WHERE m.kind = 'similarity' AND m.state = 'completed'
            AND m.spec ->> '$.student_run' = s.id ORDER BY m.created DESC LIMIT 1) AS measured,
           (SELECT CAST(e.result ->> '$.images_a_second' AS DOUBLE) FROM runs e
            WHERE e.kind = 'package' AND e.state = 'completed'
            AND coalesce(e.spec ->> '$.model_run', e.spec ->> '$.student_run') = s.id
            ORDER BY e.created DESC LIMIT 1) AS speed
    FROM runs s WHERE s.kind = 'distill' AND s.state = 'completed'
    ORDER BY s.created DESC LIMIT 200
"""


def known(figures: pd.DataFrame) -> list[str]:
    """The qualities that some student was measured by."""
    found = set(zip(figures["subject"], figures["metric"], strict=True))
    return [name for name, figure in QUALITIES.items() if figure in found]


def with_quality(students: pd.DataFrame, figures: pd.DataFrame, quality: str) -> pd.DataFrame:
    """The students [by id] that were measured by it, with its value, low and high."""
    subject, metric = QUALITIES[quality]
    values = figures[(figures["subject"] == subject) & (figures["metric"] == metric)]
    return students.join(values.set_index("student")[["value", "low", "high"]], how="inner")

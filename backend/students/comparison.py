"""Students side by side: what each cost, and the measures of its newest similarity run."""

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
            WHERE e.kind = 'student-export' AND e.state = 'completed'
            AND e.spec ->> '$.student_run' = s.id ORDER BY e.created DESC LIMIT 1) AS speed
    FROM runs s WHERE s.kind = 'distill' AND s.state = 'completed'
    ORDER BY s.created DESC LIMIT 200
"""

"""The database's tables, as numbered steps. Append a step; never edit one that was released.

Times are UTC. Every table of facts has `run_id`; a run's Parquet file `facts/<table>.parquet`
holds the other columns.
"""

FACTS = (
    "images",
    "boxes",
    "predictions",
    "ssim_pairs",
    "figures",
    "parts",
    "scores",
    "auroc",
    "comparisons",
    "latencies",
)

STEPS = (
    """
    CREATE TABLE runs (
        id VARCHAR NOT NULL, kind VARCHAR NOT NULL, name VARCHAR, state VARCHAR NOT NULL,
        created TIMESTAMP NOT NULL, started TIMESTAMP, finished TIMESTAMP, seconds DOUBLE,
        spec JSON NOT NULL, result JSON, provenance JSON, error VARCHAR, parent VARCHAR,
        signature VARCHAR NOT NULL
    );
    CREATE TABLE curves (
        run_id VARCHAR NOT NULL, step INTEGER NOT NULL, metric VARCHAR NOT NULL, value DOUBLE
    );
    CREATE TABLE images (
        run_id VARCHAR NOT NULL, image VARCHAR NOT NULL, path VARCHAR NOT NULL,
        mask_path VARCHAR, background_path VARCHAR, source VARCHAR, "group" VARCHAR,
        split VARCHAR, seed BIGINT, params JSON
    );
    CREATE TABLE boxes (
        run_id VARCHAR NOT NULL, image VARCHAR NOT NULL, class_name VARCHAR NOT NULL,
        x1 DOUBLE, y1 DOUBLE, x2 DOUBLE, y2 DOUBLE, confidence DOUBLE, source VARCHAR
    );
    CREATE TABLE predictions (
        run_id VARCHAR NOT NULL, image VARCHAR NOT NULL, class_name VARCHAR NOT NULL,
        x1 DOUBLE, y1 DOUBLE, x2 DOUBLE, y2 DOUBLE, confidence DOUBLE, iou DOUBLE,
        correct BOOLEAN
    );
    CREATE TABLE ssim_pairs (
        run_id VARCHAR NOT NULL, pairing VARCHAR NOT NULL, pair INTEGER NOT NULL,
        teacher_path VARCHAR, student_path VARCHAR, ssim DOUBLE
    );
    CREATE TABLE figures (
        run_id VARCHAR NOT NULL, subject VARCHAR NOT NULL, metric VARCHAR NOT NULL,
        value DOUBLE, low DOUBLE, high DOUBLE, n INTEGER
    );
    CREATE TABLE parts (
        run_id VARCHAR NOT NULL, part VARCHAR NOT NULL, path VARCHAR NOT NULL,
        feature VARCHAR NOT NULL, label INTEGER NOT NULL, "group" VARCHAR NOT NULL, defect VARCHAR
    );
    CREATE TABLE scores (
        run_id VARCHAR NOT NULL, method VARCHAR NOT NULL, repeat INTEGER, fold INTEGER,
        part VARCHAR NOT NULL, feature VARCHAR NOT NULL, label INTEGER NOT NULL, score DOUBLE
    );
    CREATE TABLE auroc (
        run_id VARCHAR NOT NULL, method VARCHAR NOT NULL, feature VARCHAR NOT NULL,
        n_good INTEGER, n_bad INTEGER, auroc DOUBLE, low DOUBLE, high DOUBLE,
        fpr_at_95_tpr DOUBLE, reliable BOOLEAN
    );
    CREATE TABLE comparisons (
        run_id VARCHAR NOT NULL, feature VARCHAR NOT NULL, method VARCHAR, baseline VARCHAR,
        difference DOUBLE, low DOUBLE, high DOUBLE, p DOUBLE, p_holm DOUBLE, reliable BOOLEAN
    );
    CREATE TABLE latencies (
        run_id VARCHAR NOT NULL, variant VARCHAR NOT NULL, sample INTEGER NOT NULL,
        milliseconds DOUBLE
    );
    """,
)

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
    "agreements",
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
    # agreements: one row per labeller and true box; an image without a true box has one row with
    # no box and no box_iou. source: lighting, or how the image came about. mask_iou, boxes_* and
    # confidence are the image's, so they repeat. boxes_right: found boxes that fit a true one of
    # their own (IoU > 0.5). box_iou: the best of any found box with this true box. near_f1: F1 of
    # the masks where a pixel is right within 0.6 % of the edge length, at least 2 px.
    """
    CREATE TABLE agreements (
        run_id VARCHAR NOT NULL, labeller VARCHAR NOT NULL, image VARCHAR NOT NULL,
        source VARCHAR, "group" VARCHAR, path VARCHAR, mask_path VARCHAR, guess_path VARCHAR,
        mask_iou DOUBLE, near_f1 DOUBLE, boxes_true INTEGER, boxes_found INTEGER,
        boxes_right INTEGER, confidence DOUBLE, box INTEGER, box_iou DOUBLE
    );
    """,
)

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
    "part_checks",
    "part_findings",
    "left_out",
    "thresholds",
    "ablations",
    "neighbours",
    "trials",
    "learning",
    "contrasts",
    "class_scores",
    "additions",
    "localisation",
    "put_aside",
    "leaks",
    "gate_checks",
    "gate_items",
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
    # levels: bit k is set where the prediction is right at IoU 0.5 + 0.05 k.
    """
    ALTER TABLE predictions ADD COLUMN levels INTEGER;
    """,
    # thresholds: one row per feature type of a version. alarm_limit, review_limit: NULL where there
    # are too few groups of GOOD parts; needed, review_needed: how many are missing. *_alarms and
    # *_reviews: parts of the calibration above the alarm limit, and between the two.
    # ablations: one row per setting and method; difference: paired, to the first setting.
    """
    CREATE TABLE thresholds (
        run_id VARCHAR NOT NULL, feature VARCHAR NOT NULL, method VARCHAR NOT NULL,
        version INTEGER, n_good INTEGER, n_groups INTEGER, n_bad INTEGER, alarm_limit DOUBLE,
        review_limit DOUBLE, alarm_rate DOUBLE, review_rate DOUBLE, certified BOOLEAN,
        confidence DOUBLE, enough BOOLEAN, needed INTEGER, review_needed INTEGER,
        good_alarms INTEGER, good_reviews INTEGER, bad_alarms INTEGER, bad_reviews INTEGER
    );
    CREATE TABLE ablations (
        run_id VARCHAR NOT NULL, setting VARCHAR NOT NULL, method VARCHAR NOT NULL,
        auroc DOUBLE, low DOUBLE, high DOUBLE, difference DOUBLE, difference_low DOUBLE,
        difference_high DOUBLE, n INTEGER, part_ms DOUBLE, seconds DOUBLE
    );
    """,
    # ssim_pairs.split: whether the student learned from the teacher image. wavelet_distance: 0 the
    # same, about 1 unrelated. neighbours: one row a sample with its nearest training image and the
    # turn (0…7) in which that lies nearest; distance in grey levels, copy: it is too near. Pictures
    # are kept of the nearest ones alone.
    """
    ALTER TABLE ssim_pairs ADD COLUMN split VARCHAR;
    ALTER TABLE ssim_pairs ADD COLUMN ms_ssim DOUBLE;
    ALTER TABLE ssim_pairs ADD COLUMN wavelet_distance DOUBLE;
    ALTER TABLE ssim_pairs ADD COLUMN mask_iou DOUBLE;
    CREATE TABLE neighbours (
        run_id VARCHAR NOT NULL, sample INTEGER NOT NULL, seed BIGINT, nearest INTEGER,
        turn INTEGER, distance DOUBLE, copy BOOLEAN, sample_path VARCHAR, nearest_path VARCHAR
    );
    """,
    # parts: image is the picture a part was cut from, x1 to y2 its box there in px; empty where the
    # whole picture is the part. part_checks: brightness and contrast of grey values 0 to 255.
    # copy_of: an earlier part with the same pixels. near_group: parts that look alike share it, 0:
    # none. leak: a copy or look-alike lies in another group. left_out: what an import did not take.
    """
    ALTER TABLE parts ADD COLUMN image VARCHAR;
    ALTER TABLE parts ADD COLUMN x1 DOUBLE;
    ALTER TABLE parts ADD COLUMN y1 DOUBLE;
    ALTER TABLE parts ADD COLUMN x2 DOUBLE;
    ALTER TABLE parts ADD COLUMN y2 DOUBLE;
    ALTER TABLE parts ADD COLUMN mask_path VARCHAR;
    CREATE TABLE part_checks (
        run_id VARCHAR NOT NULL, part VARCHAR NOT NULL, width INTEGER, height INTEGER,
        brightness DOUBLE, contrast DOUBLE, sharpness DOUBLE, digest VARCHAR, copy_of VARCHAR,
        near_group INTEGER, leak BOOLEAN
    );
    CREATE TABLE part_findings (
        run_id VARCHAR NOT NULL, level VARCHAR NOT NULL, subject VARCHAR NOT NULL,
        words VARCHAR NOT NULL
    );
    CREATE TABLE left_out (
        run_id VARCHAR NOT NULL, file VARCHAR NOT NULL, reason VARCHAR, "where" VARCHAR
    );
    """,
    # A study. trials: one row per training and metric; real: images asked for, real_images: those
    # there were, held-back ones included. learning: an arm's mean over seeds. contrasts: an arm
    # less the arm without what it adds; p_holm: adjusted within the metric.
    """
    CREATE TABLE trials (
        run_id VARCHAR NOT NULL, arm VARCHAR NOT NULL, real INTEGER NOT NULL,
        seed INTEGER NOT NULL, metric VARCHAR NOT NULL, value DOUBLE, real_images INTEGER,
        intact_images INTEGER, synthetic_images INTEGER, own_images INTEGER
    );
    CREATE TABLE learning (
        run_id VARCHAR NOT NULL, arm VARCHAR NOT NULL, real INTEGER NOT NULL,
        metric VARCHAR NOT NULL, value DOUBLE, low DOUBLE, high DOUBLE, seeds INTEGER
    );
    CREATE TABLE contrasts (
        run_id VARCHAR NOT NULL, arm VARCHAR NOT NULL, baseline VARCHAR NOT NULL,
        real INTEGER NOT NULL, metric VARCHAR NOT NULL, value DOUBLE, baseline_value DOUBLE,
        difference DOUBLE, low DOUBLE, high DOUBLE, p DOUBLE, p_holm DOUBLE, seeds INTEGER,
        n_images INTEGER, n_groups INTEGER
    );
    """,
    # Inspection: alarm: the score is above the 95 % quantile of the fold's calibration GOOD scores.
    # mode: good-only or uses-bad. all_good_rate: accuracy of calling every part GOOD. detectable:
    # smallest AUROC difference that a paired test finds with 80 % power. p_folds: Nadeau and
    # Bengio's test over folds. class_scores: the diffusion's score of a part as of that class.
    """
    ALTER TABLE scores ADD COLUMN alarm BOOLEAN;
    ALTER TABLE auroc ADD COLUMN mode VARCHAR;
    ALTER TABLE auroc ADD COLUMN fpr_at_95_tpr_low DOUBLE;
    ALTER TABLE auroc ADD COLUMN fpr_at_95_tpr_high DOUBLE;
    ALTER TABLE auroc ADD COLUMN average_precision DOUBLE;
    ALTER TABLE auroc ADD COLUMN average_precision_low DOUBLE;
    ALTER TABLE auroc ADD COLUMN average_precision_high DOUBLE;
    ALTER TABLE auroc ADD COLUMN accuracy DOUBLE;
    ALTER TABLE auroc ADD COLUMN accuracy_low DOUBLE;
    ALTER TABLE auroc ADD COLUMN accuracy_high DOUBLE;
    ALTER TABLE auroc ADD COLUMN all_good_rate DOUBLE;
    ALTER TABLE auroc ADD COLUMN detectable DOUBLE;
    ALTER TABLE comparisons ADD COLUMN mode VARCHAR;
    ALTER TABLE comparisons ADD COLUMN p_folds DOUBLE;
    ALTER TABLE comparisons ADD COLUMN p_folds_holm DOUBLE;
    CREATE TABLE class_scores (
        run_id VARCHAR NOT NULL, part VARCHAR NOT NULL, feature VARCHAR NOT NULL,
        class_name VARCHAR NOT NULL, score DOUBLE
    );
    """,
    # parts: excess: how far a simulated defect is beyond its GOOD twin, in tolerances. area: share
    # of the crop that the defect's mask covers.
    """
    ALTER TABLE parts ADD COLUMN excess DOUBLE;
    ALTER TABLE parts ADD COLUMN area DOUBLE;
    """,
    # parts.given_group: as the import read it, before groups whose parts look alike were joined.
    # thresholds.by_hand: the alarm limit was chosen by a person and promises nothing.
    """
    ALTER TABLE parts ADD COLUMN given_group VARCHAR;
    ALTER TABLE thresholds ADD COLUMN by_hand BOOLEAN;
    """,
    # The name of the teacher image of a pair, and of the training image nearest to a sample, whose
    # place among the others (nearest) said nothing once an image was rejected.
    """
    ALTER TABLE ssim_pairs ADD COLUMN image VARCHAR;
    ALTER TABLE neighbours ADD COLUMN nearest_image VARCHAR;
    """,
    # additions: what a part of the diffusion's score adds: AUROC with it less AUROC without,
    # paired, per type and in the mean over types. localisation: pixel figures of a method's maps;
    # n_bad: BAD parts with a mask, regions: connected ones, aupro_30: up to 30 % of normal pixels
    # raised; error: how far counting pixels in bins can have moved the worst of the figures.
    """
    CREATE TABLE additions (
        run_id VARCHAR NOT NULL, part VARCHAR NOT NULL, feature VARCHAR NOT NULL, method VARCHAR,
        without VARCHAR, value DOUBLE, value_without DOUBLE, difference DOUBLE, low DOUBLE,
        high DOUBLE, p_holm DOUBLE, n INTEGER
    );
    CREATE TABLE localisation (
        run_id VARCHAR NOT NULL, method VARCHAR NOT NULL, feature VARCHAR NOT NULL,
        n_good INTEGER, n_bad INTEGER, regions INTEGER,
        pixel_auroc DOUBLE, pixel_auroc_low DOUBLE, pixel_auroc_high DOUBLE,
        pixel_ap DOUBLE, pixel_ap_low DOUBLE, pixel_ap_high DOUBLE,
        aupro_30 DOUBLE, aupro_30_low DOUBLE, aupro_30_high DOUBLE,
        aupro_05 DOUBLE, aupro_05_low DOUBLE, aupro_05_high DOUBLE, error DOUBLE
    );
    """,
    # put_aside: an image of the run `source_run` that nothing later is trained on; digest: of its
    # pixels. leaks: an image that is (same) or looks like a test image; holder: the run it is in.
    """
    CREATE TABLE put_aside (
        run_id VARCHAR NOT NULL, source_run VARCHAR NOT NULL, image VARCHAR NOT NULL,
        "group" VARCHAR, digest VARCHAR NOT NULL
    );
    CREATE TABLE leaks (
        run_id VARCHAR NOT NULL, training VARCHAR NOT NULL, test VARCHAR NOT NULL,
        same BOOLEAN NOT NULL, holder VARCHAR NOT NULL
    );
    """,
    # A package is what exports of models and of students were.
    """
    UPDATE runs SET kind = 'package' WHERE kind IN ('export', 'student-export');
    """,
    # latencies: series: "" or NULL for the plain call, else what was changed in it; of stages and
    # the cold start a row is the time up to the end of the step. milliseconds: of a call with so
    # many parts; cpu_milliseconds: of all threads. fingerprint: of the computer.
    """
    ALTER TABLE latencies ADD COLUMN series VARCHAR;
    ALTER TABLE latencies ADD COLUMN parts INTEGER;
    ALTER TABLE latencies ADD COLUMN cpu_milliseconds DOUBLE;
    ALTER TABLE latencies ADD COLUMN fingerprint VARCHAR;
    """,
    # gate_checks: what the gate looked at of a variant; passed: NULL for a figure without a limit.
    # gate_items: each judged part or image; path: within runs/; reference and value: score, or the
    # surest box, in full precision and of the variant; flipped: the verdicts differ.
    """
    CREATE TABLE gate_checks (
        run_id VARCHAR NOT NULL, variant VARCHAR NOT NULL, name VARCHAR NOT NULL, passed BOOLEAN,
        value DOUBLE, low DOUBLE, high DOUBLE, limit_value DOUBLE, n INTEGER, words VARCHAR NOT NULL
    );
    CREATE TABLE gate_items (
        run_id VARCHAR NOT NULL, variant VARCHAR NOT NULL, item VARCHAR NOT NULL, path VARCHAR,
        feature VARCHAR, label VARCHAR, "group" VARCHAR, reference DOUBLE, value DOUBLE,
        reference_verdict VARCHAR, verdict VARCHAR, flipped BOOLEAN
    );
    """,
    # verdicts: of a line, each part once; maker: its name. Times are seconds since 1970, UTC;
    # ms: from the source to the verdict. fed: up to which place a maker's rows were taken in.
    """
    CREATE TABLE verdicts (
        maker VARCHAR NOT NULL, epoch INTEGER NOT NULL, sequence BIGINT NOT NULL,
        serial VARCHAR, feature VARCHAR, captured DOUBLE, accepted DOUBLE, judged DOUBLE,
        verdict VARCHAR NOT NULL, reason VARCHAR, score DOUBLE, ms DOUBLE, package VARCHAR,
        thresholds INTEGER, config VARCHAR, picture VARCHAR,
        PRIMARY KEY (maker, epoch, sequence)
    );
    CREATE TABLE fed (
        "table" VARCHAR NOT NULL, maker VARCHAR NOT NULL, upto BIGINT NOT NULL,
        PRIMARY KEY ("table", maker)
    );
    """,
    # verdicts: suspended: 1 where the promise of the limits did not hold; blind: the share with
    # which the part was drawn for review, 0: not; brightness, sharpness: of the crop; edge: of its
    # picture, px. reviews: what people said of parts of a line; took_back: the number of the
    # decision that it takes back, 0 for none; time: UTC, seconds.
    """
    ALTER TABLE verdicts ADD COLUMN suspended DOUBLE;
    ALTER TABLE verdicts ADD COLUMN blind DOUBLE;
    ALTER TABLE verdicts ADD COLUMN brightness DOUBLE;
    ALTER TABLE verdicts ADD COLUMN sharpness DOUBLE;
    ALTER TABLE verdicts ADD COLUMN edge DOUBLE;
    CREATE TABLE reviews (
        maker VARCHAR NOT NULL, number BIGINT NOT NULL, epoch INTEGER NOT NULL,
        sequence BIGINT NOT NULL, decision VARCHAR NOT NULL, who VARCHAR, time DOUBLE,
        took_back BIGINT, PRIMARY KEY (maker, number)
    );
    """,
    # shadows: what a candidate beside a line said of a part; active: what the line itself said.
    # ms: of the candidate alone. picture: the kept crop's path in the line's folder.
    """
    CREATE TABLE shadows (
        maker VARCHAR NOT NULL, epoch INTEGER NOT NULL, sequence BIGINT NOT NULL,
        serial VARCHAR, feature VARCHAR, captured DOUBLE, judged DOUBLE, verdict VARCHAR NOT NULL,
        reason VARCHAR, score DOUBLE, ms DOUBLE, package VARCHAR, thresholds INTEGER,
        config VARCHAR, picture VARCHAR, active VARCHAR, active_score DOUBLE,
        PRIMARY KEY (maker, epoch, sequence)
    );
    """,
    # project: the id of the run's project, see core/projects.py.
    """
    ALTER TABLE runs ADD COLUMN project VARCHAR NOT NULL DEFAULT '';
    """,
)

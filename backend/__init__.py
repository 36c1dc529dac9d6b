"""Everything behind the pages. From the ground up; a floor imports only what stands below it.

records, published, settings, wording
             nouns, the two papers' figures, places and words that all share
numeric      statistics, learning, backbones, losses, ONNX sessions
core         specs, registry, runs, facts, store, migrations, jobs, worker, journal, lineage
plots        data in, Plotly figure out
images       files that people bring; labelled images, curation, formats of labels
renderer     the embedded teacher's drawing
labels       automatic labels, and their agreement with exact masks
teachers     generate, diffusion, lora, stable_diffusion
students     distill, similarity, sample, export
composites   defects on photographs of good parts
detection    dataset, testset, detector, study
inspection   parts, model, threshold, ablation
deployment   export, latency
actions      the one door for writes: each change of a page or verb, with its actor

A kind of job is a package with `spec.py` and `job.py`, and a row in `core/registry.py`.
"""

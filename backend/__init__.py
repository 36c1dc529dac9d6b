"""Everything behind the pages. From the ground up; a floor imports only what stands below it.

records, published, settings, wording, glossary, manual
             nouns, the two papers' figures, places, words that all share, the documents in docs/
install, release
             packages of this version; bundles for computers without a network, update, rollback
numeric      statistics, learning, backbones, losses, ONNX sessions
access       accounts, sessions, one-time links, what each role may do, the guard
core         specs, registry, runs, facts, store, migrations, jobs, worker, journal, lineage, units,
             cluster, archive
plots        data in, Plotly figure out
images       files that people bring; labelled images, curation, formats of labels
renderer     the embedded teacher's drawing
labels       automatic labels, and their agreement with exact masks
teachers     generate, diffusion, lora, stable_diffusion
students     distill, similarity, sample
composites   defects on photographs of good parts
detection    dataset, testset, detector, study
inspection   parts, model, threshold, ablation
deployment   package, gate, latency
line         parts judged as they come: sources, outbox, sinks; reviews, promise, shadow, recorder
notices      what ended, what is suspended, what fills: told here, by mail and to a web server
sharing      reports, links to them, runs compared, questions in SQL
experiments  the two papers repeated: plans of several runs, and reports of what they show
doctor       what an installation lacks, and what to do
ways         guided ways through several sections: where one stands, and what comes next
actions      the one door for writes: each change of a page or verb, with its actor
verbs        the command line beside `__main__`: people, reports, upkeep

A kind of job is a package with `spec.py` and `job.py`, and a row in `core/registry.py`.
"""

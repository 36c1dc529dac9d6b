"""One report of a run, of several beside each other, or of a line: as HTML, PDF, or ZIP.

`items` are what a report is made of; `kinds` says what a kind of run shows; `of_runs` puts a report
together; `page`, `paper` and `archive` write it.
"""

"""Verbs of the command line that are no kind of job; `__main__` hangs them in."""

"""The one door for writes: every change that a page or a verb makes is one function in here.

Each takes the actor, does the change and has it noted in the journal of actions (core/audit.py);
where it is refused, its UserError goes on to the caller and nothing is noted. Rights will be
checked here, and the actor become the person who signed in, without a change to the callers.

`work` changes what the core keeps, `results` what people make of a finished run. It is a floor of
its own above the sections, for core may import none of them and a section none of its callers; and
two modules, for the command line, which starts every job, loads no section.
"""

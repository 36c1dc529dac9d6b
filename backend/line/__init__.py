"""The line: parts come in, each gets a verdict that survives any crash, and machines are told.

source → outbox (accepted) → ring → judge → outbox (verdict) → sinks, segments

part        a part, its verdict, and the key by which both are known everywhere
outbox      one row a part in SQLite, written before the part is judged
ring        the bounded buffer between the two
sources     where parts come from; sinks: who is told
judge       a package, its limits and its golden parts; judges: the one that is asked for
engine      the threads that move parts on; keeper: what is due now and then
segments    verdicts cut to Parquet, which the dashboard's database takes in
pictures    the crops that are kept, and for how long
report      what a line did, from its own files
"""

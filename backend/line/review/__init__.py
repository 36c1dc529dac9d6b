"""People look at parts: those between the limits, and some drawn by lot whose verdict they do not
see.

draw       which parts are drawn, by a key that nobody can guess
decisions  what was said of which part, by whom, when: a journal that is only appended to
queue      what is to be looked at next
repeats    parts that come a second time, unseen, to the same person and to others
agreement  how far people agree with themselves, with each other, and with the line
rates      what the line lets through, and how often it errs
labels     decisions as labels of parts for the next training
feed       decisions on their way into the dashboard's database
"""

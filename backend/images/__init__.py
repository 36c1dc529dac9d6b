"""Files that people bring, read one way by both flows.

folder   the files of a folder: which count, and which one a written name means
words    what names of folders say: GOOD or BAD, a split, masks
tables   CSV files
masks    which picture is the mask of which
depth    how bright the pictures of a deep camera are: 10 to 16 bits, floats
faults   all that is wrong with labels, told at once
"""

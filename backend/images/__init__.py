"""Files that people bring, read one way by both flows. Pictures themselves: `imagefiles`.

folder   the files of a folder: which count, and which one a written name means
words    what names of folders say: GOOD or BAD, a split, masks
pairs    which label file belongs to which picture
masks    which picture is the mask of which
tables   CSV files
boxes    boxes that reach over the edge of their image
faults   all that is wrong with labels, told at once
"""

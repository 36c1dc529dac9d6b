"""Images and their labels: what people bring, what runs make, and what is looked after by hand.

imagefiles  reading and writing of pictures; pictures: tiled, annotated, resized
labelled_image
            one image with its labels, the same from import to study
imageset    the images of a run, with masks and boxes; curation: what was kept, corrected, rejected
folder      the files of a folder: which count, and which one a written name means
words       what names of folders say: GOOD or BAD, a split, masks
pairs       which label file belongs to which picture; masks: which picture is the mask of which
tables      CSV files; archives: zip files, unpacked safely
boxes       cut off at the edge, found in a mask, written as rows
duplicates  near-duplicates; measures, kid: how alike, sharp and diverse
faults      all that is wrong with labels, told at once
formats/    labels as other tools write them down
"""

"""Labelled images made elsewhere: zip files in and out, and five ways to write labels down.

archives     unpack an uploaded zip safely
reading      find out how a folder is labelled and read it: start here
yolo, coco, voc, labelme, masks
             one layout each: what lies where, and what its numbers mean
yolo_config  YOLO's data.yaml
files        the files of a folder, bounded reading, tables
geometry     boxes held to their image, outlines as masks
records      one labelled image, and an import as a whole
exporting    a run's images as a zip in YOLO's or COCO's layout
label_files  the label files of that zip
"""

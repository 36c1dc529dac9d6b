"""Labelled images made elsewhere: zip files in and out, and five ways to write labels down.

archives     unpack an uploaded zip safely
reading      find out how a folder is labelled and read it: start here
yolo, coco, voc, labelme, masks
             one layout each: what lies where, and what its numbers mean
yolo_config  YOLO's data.yaml, darknet's obj.data, the names of classes
yolo_files   which text file belongs to which image
unread       label files of other tools: images they speak of are not intact
files        bounded reading, and words about labels
geometry     boxes held to their image, outlines as masks
records      one labelled image, and an import as a whole
exporting    a run's images as a zip in YOLO's or COCO's layout
label_files  the label files of that zip
"""

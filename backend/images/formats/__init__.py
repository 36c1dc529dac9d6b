"""Labels as other tools write them down: read when they come in, written when they go out.

detect       find out how a folder is labelled and read it: start here
yolo, coco, voc, labelme, masks
             one layout each: what lies where, and what its numbers mean
yolo_config  YOLO's data.yaml, darknet's obj.data, the names of classes
yolo_files   which text file belongs to which image
unread       label files of other tools: images they speak of are not intact
files        bounded reading, and words about labels
geometry     boxes held to their image, outlines as masks
export       a run's images as a zip in YOLO's or COCO's layout
"""

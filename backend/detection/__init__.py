"""YOLO through ultralytics, from data set to study, judged on images that it never saw.

dataset, testset, detector, study   the kinds of job
yolo_set       images with boxes in ultralytics' layout, and their classes
leaks          no test image among the training images, or behind them
evaluation     AP50, recall, false alarms; curves: over the confidence, by class, by size
standing       what may be said of a detector
onnx_graph     a detector's network made whole, from a picture to boxes; onnx_letterbox: its start
onnx_detector  a finished detector without PyTorch
"""

"""The detector (kind `detector`): YOLO through ultralytics, judged on images it never saw.

testset   frozen test images, and the refusal of leaks
training  training and prediction
judging   matching, AP50, intervals
"""

"""The detector (kind `detector`): YOLO through ultralytics, judged on images it never saw.

testset   frozen test images, and the refusal of leaks
weights   pretrained weights to start from
training  training and prediction
matching  which predicted box belongs to which true one
judging   AP50, recall, false alarms
"""

"""Students: small networks that learned to paint a teacher's images with their masks.

distill, similarity, sample   the kinds of job
sampler        painting with ONNX Runtime, without PyTorch
drawing        the rules by which samples are drawn, their light and the camera's noise
comparison     students side by side
quantize       a student in whole numbers; model_card: what it is and can do, for a package
"""

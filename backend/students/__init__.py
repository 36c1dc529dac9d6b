"""Students: small networks that learned to paint a teacher's images with their masks.

distill, similarity, sample, export   the kinds of job
sampler        painting with ONNX Runtime, without PyTorch; drawing: the rule by which it draws
lighting       the light of a scene; camera_noise: the noise that is painted over it
"""

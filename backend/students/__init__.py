"""The student (kind `distill`): networks, how they learn, and sampling without torch.

networks      the generators and what their losses are made of
distillation  latents, epochs, checkpoints, export
sampler       painting with ONNX Runtime
"""

"""Stable Diffusion through diffusers, offline.

settings                   the fields of a spec, and where the weights lie; imports nothing heavy
painting_cost              time and memory of an image, told before a job starts; no torch
painting, pipelines        words into images, images painted over, regions painted in
attention                  where the model looked while painting a word (DAAM)
"""

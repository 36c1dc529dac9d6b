"""The small diffusion model of our own (kind `diffusion`, settings in `synthesis/diffusion.py`).

diffusion_model     codec, U-Net, sampling; load and save: start here
lesson              what it learns from
diffusion_training  three stages: coding, painting finer, denoising
stage               what every stage does: steps for a time, average, checkpoint, film
"""

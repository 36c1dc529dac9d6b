"""Teachers: what makes labelled images, and what is trained to make them.

generate           images from one of four teachers: the renderer, the small diffusion model,
                   Stable Diffusion, a folder. Each module holds its settings (imports nothing
                   heavy) and `maker(spec, …)`, which gives image k as a `LabelledImage`
diffusion, lora    training of the small diffusion model, and of a style for Stable Diffusion
stable_diffusion   painting with diffusers, offline
"""

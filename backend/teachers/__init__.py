"""The four teachers behind one interface: each gives image k of a run as an `imageset.Picture`.

    rendered   drawn by the built-in renderer, labels exact
    diffused   sampled from the small diffusion model, which paints its own mask
    painted    Stable Diffusion, labels from its attention
    imported   made elsewhere, with whatever labels they have

Each module holds its settings (imports nothing heavy) and `maker(spec, …)`.
"""

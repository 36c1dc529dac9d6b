"""The embedded teacher: a renderer of defects on glass and on opaque materials, masks exact.

On glass a defect is drawn as geometry in layers (light lost, light reflected, light scattered,
refraction), seen through the camera's blur, and laid over a scene. The mask is what then visibly
differs from the scene within the defect's own lines, so it is exact by construction. Opaque
materials are in `surfaces`.

Where to look:
    rendering                       one image from its seed: start here
    scenes, views, dirt, paint      what is seen through and on an intact pane
    lighting, camera                what falls on a defect, and what sees it
    cracks, scratches, chips, bubbles, inclusions
                                    the geometry of each class, as a `Sketch`
    sketch, pen, strokes            what those draw with
    placing, compositing            a sketch put into the scene, and its mask
    surfaces                        metal, concrete, stone, plastic, wood, textile, prints
"""

from backend.images.vocabulary import CLASSES, LIGHTINGS
from backend.renderer.rendering import Rendered, render

__all__ = ["CLASSES", "LIGHTINGS", "Rendered", "render"]

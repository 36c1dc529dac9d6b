"""Opaque parts: a height field with colour and gloss, shaded under a lamp.

A material is painted intact; a defect is an imprint on it (height, colour, gloss). The mask is
where the shaded image then differs, so it is exact by construction.

Where to look:
    workpiece                       one part and its defects: start here
    surface, shading                what a part is to the light, and the light
    metals, minerals, plastics, wood, textiles, prints
                                    the painters of intact materials, by family
    grooves, bodies, coats          defects of all materials: long, compact, flat
    ink, yarns                      those that follow the lines of a print or the weave of cloth
    photograph, background, fields  a plant's own photograph as the part; edges; random fields
"""

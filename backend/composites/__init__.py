"""Defects put on photographs of good parts.

Whoever makes a defect proposes how a window of the photograph would look with it; one piece of
code then sees to it that the defect shows, stays where it may lie, and gets an exact mask.

Where to look:
    defects                    one photograph with its defects: start here
    change                     a proposal, and what becomes of it
    region                     where defects may lie: rectangle, mask image, the object itself
    fit_in                     a defect's picture turned, scaled and put where it fits
    from_renderer, from_student, from_donors, from_inpainting
                               the makers: renderer, student, real defects cut out, Stable Diffusion
    donors, blending           what is cut out of labelled images, and how it is laid over another
"""

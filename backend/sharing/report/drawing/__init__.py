"""Plotly's figures as still drawings (SVG), without a browser.

Plotly itself draws in a browser alone; matplotlib draws the same data in a tenth of a second, with
letters that stay letters. `svg` is the way in; `scales` places what the axes say, `traces` what is
drawn between them.
"""

"""The promise of the limits, watched: have scores drifted from those that it was made on?

in_use         the package and limits that a line goes by, and what they rest on
reference      scores, brightness, sharpness and size of the parts that the limits rest on
watcher        counts each new part against them, in the line's own process
standing       how the promise stands, for pages
recalibration  new limits from parts that people reviewed
"""

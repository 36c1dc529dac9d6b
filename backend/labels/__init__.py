"""Automatic labels, and how far they can be trusted.

label, agreement   the kinds of job
labellers          centred, edges, attention: each gives mask and boxes with a confidence
ridges             how `edges` finds fine lines
"""

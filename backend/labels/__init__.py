"""Automatic labels, and how far they can be trusted.

labellers  centred, edges, attention: each gives mask and boxes with a confidence
ridges     how `edges` finds fine lines
exact      images whose masks are known
overlap    how far a guess agrees with the truth
"""

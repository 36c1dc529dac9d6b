"""The acceptance protocol of a line: what a customer's audit asks for, piece by piece.

Each module gives one piece of evidence. Where it is not there it says what is missing and how to
get it; `evidence` keeps both in the protocol.
"""

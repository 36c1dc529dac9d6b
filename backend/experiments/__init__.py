"""Several runs asked for in one go, and what they show together.

A plan lists runs as steps, each with the earlier ones it starts from. An experiment is a plan that
a person chooses a few things for, and a report of what came out: the two papers, repeated. Which
runs belong to one repeat is read off what their settings name; nothing else is kept.
"""

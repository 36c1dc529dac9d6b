"""A candidate that judges a line's parts beside the active judge, and of whom no machine hears.

candidate  what is asked for, and how it is doing
beside     the line's end: hands parts over, or drops them, and never waits
judging    the candidate's own process, at a lower priority
stored     its verdicts as files, which the dashboard's database takes in
compared   both verdicts on the same parts
"""

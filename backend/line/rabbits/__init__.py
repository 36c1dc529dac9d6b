"""Red rabbits: known defects on the line's own GOOD parts, judged as its parts are, to see daily
whether it still finds them.

They never become parts: they are in no outbox, so that no machine, count, report, drift alarm or
review hears of them.

painting  a defect of known size on the picture of a GOOD part
sending   when one is painted, and judged while the line waits for parts
journal   what was said of each
rates     how many are found, by day and by size, beside real BAD parts that people found
"""

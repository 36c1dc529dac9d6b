"""The flight recorder: around every alarm the last parts of a line, to be judged again elsewhere.

recording  what a recording holds, and which there are
recorder   keeps the last parts at hand, and writes them around an alarm
takeaway   a recording with the packages that judged it, as one zip
reading    such a zip from elsewhere, read with suspicion
rejudge    its parts judged again, bit for bit
"""

"""The study: the same detector trained in several arms, judged on the same real photographs.

Where to look:
    arms        what an arm is made of, and which trials a study has: start here
    samples     one labelled image of the study, and how it is kept at the size of the training
    pool        every image a study may train on or is judged on, read once
    drawing     which images one trial trains on; which it holds back
    pasting     real defects cut out of a trial's own real images, put on its intact photographs
    fitting     one detector, trained for a fixed number of steps
    trials      all trials, side by side, those of an interrupted study taken as they are
    contrasts   what the trials say: means, paired differences, intervals
    verdicts    what may be concluded from that, in words: helps, harms, or cannot be told
"""

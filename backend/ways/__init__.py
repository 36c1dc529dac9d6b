"""Guided ways: from photographs or parts to a decision, a step at a time.

way            what a way is, and where somebody stands on it; nothing is stored beside the runs
photographs    find defects in photographs: from a zip to a judged detector
parts          inspect parts: from a zip to limits in force and a model to take away

A floor of its own, for a way goes through several sections. Pages draw it, `backend.actions.work`
starts its runs.
"""

"""Runs of one kind beside each other: settings, figures, curves, and paired tests."""

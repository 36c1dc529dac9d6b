"""Notices: what ended, what is suspended, what fills; shown here and sent elsewhere."""

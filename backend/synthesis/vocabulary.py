"""The words a renderer and its settings share. Imports nothing, so that settings load at once."""

CLASSES = ("crack", "scratch", "chip", "bubble", "inclusion")
LIGHTINGS = ("back light", "dark field", "bright field", "photograph")

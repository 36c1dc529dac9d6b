"""Releases for computers without a network: one signed file that is installed, and taken back.

`bundle` is that file, `signing` its signature, `wheels` what goes into it; `place` the folder of an
installation, `change` how it comes from one release to another, `health` how one is tried.
Standard library only: it runs before anything is installed.
"""

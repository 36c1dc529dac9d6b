"""Questions in SQL over what runs and lines left: read-only, in a process of its own."""

"""Everything behind the pages: storage, jobs, and the three sections of the method."""

"""What a kind of run shows in a report: a module a kind, each with `said`, `items` and `limits`."""

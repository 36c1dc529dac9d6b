"""Results in other hands: reports to take away, links to them, runs side by side, queries."""

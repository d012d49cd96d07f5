"""Programs that make the same Delta result, each run as a process of its own."""

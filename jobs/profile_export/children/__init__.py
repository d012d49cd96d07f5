"""What is computed in a process of its own, which can be killed: queries, dry runs' counts."""

"""How fast, against what a user would write by hand (docs/benchmarks.md)."""

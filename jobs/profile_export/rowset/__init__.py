"""The row-set hash (docs/row-set-hash.md): by an engine, and without one."""

EMPTY = "0" * 32
"""The hash of a batch without rows."""

"""The row-set hash (docs/row-set-hash.md): by an engine, and without one."""

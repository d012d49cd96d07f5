"""The two phases of an export: who is exported, then what. ``run.py`` has their order."""

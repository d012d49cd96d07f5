"""Profile Export: one row per person out of many lakehouse tables, on request.

``docs/architecture.md`` tells of every module.
"""

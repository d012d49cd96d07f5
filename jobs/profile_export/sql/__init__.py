"""What a statement of ``query`` may be, the names of its tables, its values and its faults."""

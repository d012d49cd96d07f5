"""The parts of ``explain``: what it reads (scope, who, what), why (reasons), and how it is told.

``account`` is the result as data, the JSON of ``--json``; ``text`` the same in words.
"""

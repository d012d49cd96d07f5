"""The commands, one file each: ``register(app)`` adds to the typer app what the file offers.

A command reads its words, does its work through the modules of the project, and says what came
out (:mod:`~profile_export.commands._say`). It raises what goes wrong: ``_tell.py`` alone turns
errors into words and exit codes. Nothing heavy (PySpark, pyarrow, deltalake, pydantic, rich) is
imported before a command runs, so that ``--help`` and refusals are fast.
"""

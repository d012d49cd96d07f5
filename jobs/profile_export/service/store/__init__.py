"""The job store: what the service knows, in SQLite or PostgreSQL.

:mod:`~profile_export.service.store.database` opens it. The other modules hold functions of a
connection, one module for each thing that is kept; a caller decides what is one transaction:

    with store.write() as connection:
        jobs.create(connection, ...)
"""

from profile_export.service.store.database import Store, open_store

__all__ = ["Store", "open_store"]

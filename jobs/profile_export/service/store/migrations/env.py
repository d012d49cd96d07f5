"""Alembic's entry: migrate on the connection that ``migrate.py`` gives."""

from alembic import context

from profile_export.service.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()

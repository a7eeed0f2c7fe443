"""Alembic's environment: the connection is handed in by sinks/readmodel/database.py."""

from alembic import context

from sinks.readmodel.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

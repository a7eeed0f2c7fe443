"""Alembic's environment: the connection is handed in by sinks/notifications/database.py."""

from alembic import context

from sinks.notifications.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    version_table="notices_version",
    include_name=lambda name, kind, parents: kind != "table" or name in metadata.tables,
)
with context.begin_transaction():
    context.run_migrations()

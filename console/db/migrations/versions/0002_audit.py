"""The audit, a chain of records that is only added to; users of the office's identity service; passwords for once"""

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.dialect import append_only_statements, drop_append_only
from sinks.readmodel.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEPT = ("audit_record", "audit_person")
_REFUSED = "the audit is only added to"


def upgrade() -> None:
    """Upgrade."""
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_person",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", "subject", name=op.f("pk_audit_person")),
    )
    with op.batch_alter_table("audit_person", schema=None) as batch_op:
        batch_op.create_index("ix_audit_person_jurisdiction", ["jurisdiction"], unique=False)
        batch_op.create_index("ix_audit_person_subject", ["subject"], unique=False)

    op.create_table(
        "audit_record",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_record")),
    )
    with op.batch_alter_table("audit_record", schema=None) as batch_op:
        batch_op.create_index("ix_audit_record_login", ["login"], unique=False)
        batch_op.create_index("ix_audit_record_user_id_at", ["user_id", "at"], unique=False)

    op.create_table(
        "sign_in",
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("verifier", sa.String(), nullable=False),
        sa.Column("next_path", sa.String(), nullable=False),
        sa.Column("typed", sa.JSON(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_sign_in")),
    )
    with op.batch_alter_table("console_user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("identity", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("once_until", UtcDateTime(), nullable=True))
        batch_op.create_unique_constraint("uq_console_user_identity", ["identity"])
    with op.batch_alter_table("login_attempt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("address", sa.String(), nullable=False, server_default=""))
        batch_op.create_index("ix_login_attempt_address", ["address"], unique=False)

    op.execute("INSERT INTO audit_head (one, number, hash, key, seal) VALUES (1, 0, '', '', '')")
    for statement in append_only_statements(op.get_bind(), KEPT, _REFUSED):
        op.execute(statement)


def downgrade() -> None:
    """Downgrade."""
    with op.batch_alter_table("login_attempt", schema=None) as batch_op:
        batch_op.drop_index("ix_login_attempt_address")
        batch_op.drop_column("address")
    with op.batch_alter_table("console_user", schema=None) as batch_op:
        batch_op.drop_constraint("uq_console_user_identity", type_="unique")
        batch_op.drop_column("once_until")
        batch_op.drop_column("identity")
    op.drop_table("sign_in")
    with op.batch_alter_table("audit_record", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_record_user_id_at")
        batch_op.drop_index("ix_audit_record_login")

    op.drop_table("audit_record")
    with op.batch_alter_table("audit_person", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_person_subject")
        batch_op.drop_index("ix_audit_person_jurisdiction")

    op.drop_table("audit_person")
    op.drop_table("audit_head")
    for statement in drop_append_only(op.get_bind()):
        op.execute(statement)

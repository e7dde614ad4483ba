"""The first schema.

What its tables promise is said in `store.schema`; this is that schema as it was at this revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    _people()
    _hooks()
    _log()
    _deliveries()


def _people() -> None:
    op.create_table(
        "admin",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id"),
        sa.UniqueConstraint("org_id", "login"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "api_token",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("admin_id", sa.String(length=20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("revoked", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id"),
        sqlite_with_rowid=True,
    )
    op.create_index("api_token_hash", "api_token", ["hash"], unique=True)
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "event_type",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("eligible", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "name"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "org",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cursor_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=True,
    )


def _hooks() -> None:
    op.create_table(
        "event_hook",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_by", sa.String(length=20), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("verification_status", sa.Text(), nullable=False),
        sa.Column("ever_verified", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("public_url", sa.Text(), nullable=False),
        sa.Column("last_updated", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("deleted", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("failing_since", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id"),
        sqlite_with_rowid=True,
    )
    op.create_index(
        "event_hook_name", "event_hook", ["org_id", "name"], unique=True, sqlite_where=sa.text("deleted IS NULL")
    )
    op.create_table(
        "event_hook_version",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("hook_id", sa.String(length=20), nullable=False),
        sa.Column("channel_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("verification_status", sa.Text(), nullable=False),
        sa.Column("ever_verified", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("public_url", sa.Text(), nullable=False),
        sa.Column("last_updated", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("deleted", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "hook_id", "version"),
        sqlite_with_rowid=True,
    )


def _log() -> None:
    op.create_table(
        "log_event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("uuid", sa.LargeBinary(length=16), nullable=False),
        sa.Column("published", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_with_rowid=True,
    )
    op.create_index("log_event_published", "log_event", ["org_id", "published", "seq"], unique=False)
    op.create_index("log_event_seq", "log_event", ["org_id", "seq"], unique=False)
    op.create_index("log_event_uuid", "log_event", ["org_id", "uuid"], unique=True)


def _deliveries() -> None:
    op.create_table(
        "attempt",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("started", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("status", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "delivery_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("hook_id", sa.String(length=20), nullable=False),
        sa.Column("event_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("hook_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("state", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("queue", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("boot", sa.Text(), nullable=True),
        sa.Column("attempt_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("due_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ended_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=True,
    )
    op.create_index(
        "delivery_claimed",
        "delivery",
        ["boot", "id"],
        unique=False,
        sqlite_where=sa.text("state = 1"),
        postgresql_where=sa.text("state = 1"),
    )
    op.create_index("delivery_event_id", "delivery", ["org_id", "event_id"], unique=True)
    op.create_index("delivery_hook", "delivery", ["org_id", "hook_id", "id"], unique=False)
    op.create_index(
        "delivery_ready",
        "delivery",
        ["org_id", "hook_id", "queue", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 0"),
        postgresql_where=sa.text("state = 0"),
    )
    op.create_table(
        "delivery_event",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("hook_id", sa.String(length=20), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("replay", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "hook_id", "seq", "replay"),
        sqlite_with_rowid=False,
    )
    op.create_index("delivery_event_delivery", "delivery_event", ["delivery_id", "seq"], unique=False)

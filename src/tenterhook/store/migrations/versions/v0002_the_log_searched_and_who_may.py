"""What the searched log, roles, quotas and filters need.

What its tables promise is said in `store.schema`; this is that schema as it was at this revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns and tables; nothing that is stored changes."""
    _people()
    _event_types()
    _log()
    _limits()


def _people() -> None:
    op.add_column("admin", sa.Column("password", sa.Text(), nullable=True))
    op.add_column("admin", sa.Column("last_sign_in", sa.BigInteger(), autoincrement=False, nullable=True))
    with op.batch_alter_table("api_token") as table:
        table.alter_column("role", existing_type=sa.Text(), nullable=True)
        table.add_column(sa.Column("scopes", sa.Text(), nullable=True))
        table.add_column(sa.Column("last_used", sa.BigInteger(), autoincrement=False, nullable=True))
        table.add_column(sa.Column("issued_by", sa.String(length=20), nullable=True))
    op.create_table(
        "sign_in_link",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("admin_id", sa.String(length=20), nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=True,
    )


def _event_types() -> None:
    op.drop_table("event_type")  # nothing has ever written to it
    op.create_table(
        "event_type",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("sample", sa.LargeBinary(), nullable=True),
        sa.Column("created_by", sa.String(length=20), nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "name"),
        sqlite_with_rowid=True,
    )


def _log() -> None:
    op.create_table(
        "log_span",
        sa.Column("first_seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("oldest", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("newest", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("first_seq"),
        sqlite_with_rowid=True,
    )
    op.execute(
        "CREATE VIRTUAL TABLE log_text USING fts5(body, content='', contentless_delete=1, detail=none,"
        " tokenize=\"unicode61 remove_diacritics 0 tokenchars '._@'\")"
    )


def _limits() -> None:
    op.add_column("delivery", sa.Column("hold", sa.Text(), nullable=True))
    op.create_table(
        "quota",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("window_start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("warned", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("allowed", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("org_id"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "filter_error",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("hook_id", sa.String(length=20), nullable=False),
        sa.Column("total", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_text", sa.Text(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "hook_id"),
        sqlite_with_rowid=True,
    )

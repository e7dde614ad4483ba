"""Inline hooks and the keys that sign for them.

What the tables promise is said in `store.schema`; this is that schema as it was at this revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add tables; nothing that is stored changes."""
    _inline_hooks()
    _hook_keys()


def _inline_hooks() -> None:
    op.create_table(
        "inline_hook",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.Column("hook_key_id", sa.String(length=20), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("last_updated", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("deleted", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id"),
        sqlite_with_rowid=True,
    )
    op.create_index(
        "inline_hook_name", "inline_hook", ["org_id", "name"], unique=True, sqlite_where=sa.text("deleted IS NULL")
    )


def _hook_keys() -> None:
    op.create_table(
        "hook_key",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("modulus", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_updated", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("deleted", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id"),
        sa.UniqueConstraint("org_id", "key_id"),
        sqlite_with_rowid=True,
    )
    op.create_index(
        "hook_key_name", "hook_key", ["org_id", "name"], unique=True, sqlite_where=sa.text("deleted IS NULL")
    )

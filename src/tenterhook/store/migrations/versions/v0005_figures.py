"""What the figures of deliveries are read from.

What its tables promise is said in `store.schema`; this is that schema as it was at this revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add tables and an index; what ended before is counted nowhere."""
    op.create_table(
        "tally_note",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "tally",
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("grain", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hook_id", sa.String(length=20), nullable=False),
        sa.Column("delivered", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("failed_attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ended_failed", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("timed", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("total_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("times", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "grain", "start", "hook_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "delivery_failed",
        "delivery",
        ["org_id", "event_id"],
        sqlite_where=sa.text("state = 3"),
        postgresql_where=sa.text("state = 3"),
    )

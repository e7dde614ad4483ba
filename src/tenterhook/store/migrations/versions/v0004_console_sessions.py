"""What the Admin Console needs: which browser is signed in as whom.

What its table promises is said in `store.schema`; this is that schema as it was at this revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add a table; nothing that is stored changes."""
    op.create_table(
        "console_session",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("org_id", sa.String(length=20), nullable=False),
        sa.Column("token_id", sa.String(length=20), nullable=False),
        sa.Column("created", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_seen", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=True,
    )

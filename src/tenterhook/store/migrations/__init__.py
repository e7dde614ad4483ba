"""Alembic's side of the store: how a database of one version becomes one of the next."""

"""Found an org: the tenant itself and its first super admin, to whom all belongs that nobody else made."""

from __future__ import annotations

import secrets

from tenterhook import ids
from tenterhook.domain.principal import Role
from tenterhook.store import admins, orgs
from tenterhook.store.admins import Admin
from tenterhook.store.orgs import Org
from tenterhook.store.transaction import Tx

DEFAULT_NAME = "default"
FIRST_LOGIN = "admin"


def ensure_default_org(tx: Tx, now_ms: int) -> tuple[Org, Admin]:
    """Return the default org and its first super admin; found them if this is the first start."""
    org = orgs.first(tx)
    if org is None:
        return found_org(tx, DEFAULT_NAME, now_ms)
    admin = admins.first_super_admin(tx, org.id)
    if admin is None:
        admin = _first_admin(org, now_ms)
        admins.insert(tx, admin)
    return org, admin


def found_org(tx: Tx, name: str, now_ms: int) -> tuple[Org, Admin]:
    """Store a new org with its first super admin."""
    org = Org(ids.new_id(ids.ORG), name, now_ms, secrets.token_bytes(32))
    admin = _first_admin(org, now_ms)
    orgs.insert(tx, org)
    admins.insert(tx, admin)
    return org, admin


def _first_admin(org: Org, now_ms: int) -> Admin:
    return Admin(org.id, ids.new_id(ids.ADMIN), FIRST_LOGIN, "Administrator", Role.SUPER_ADMIN, now_ms)

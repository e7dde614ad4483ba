"""Who calls, and what each role may do."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What an admin or a token may do, as a whole (DESIGN §2.2)."""

    SUPER_ADMIN = "SUPER_ADMIN"
    HOOKS_ADMIN = "HOOKS_ADMIN"
    READ_ONLY_ADMIN = "READ_ONLY_ADMIN"
    PUBLISHER = "PUBLISHER"


class Permission(StrEnum):
    """One thing that a route asks for. Where Okta has a scope for it, it has that scope's name."""

    READ_HOOKS = "okta.eventHooks.read"
    MANAGE_HOOKS = "okta.eventHooks.manage"
    READ_LOG = "okta.logs.read"
    PUBLISH = "tenterhook.events.publish"
    MANAGE_TOKENS = "tenterhook.admins.manage"


_ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.SUPER_ADMIN: frozenset(Permission),
    Role.HOOKS_ADMIN: frozenset({Permission.READ_HOOKS, Permission.MANAGE_HOOKS, Permission.READ_LOG}),
    Role.READ_ONLY_ADMIN: frozenset({Permission.READ_LOG}),
    Role.PUBLISHER: frozenset({Permission.PUBLISH}),
}


class Principal(msgspec.Struct, frozen=True):
    """The caller of one request, as its token names it."""

    org_id: str
    admin_id: str
    login: str
    name: str
    token_id: str
    role: Role
    request_id: str = ""
    ip: str | None = None
    user_agent: str | None = None

    def may(self, permission: Permission) -> bool:
        """Return whether this caller's role includes *permission*."""
        return permission in _ALLOWED[self.role]

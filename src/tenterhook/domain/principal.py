"""Who calls, and what each role may do."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What an admin or a token may do, as a whole (DESIGN §2.2)."""

    SUPER_ADMIN = "SUPER_ADMIN"
    HOOKS_ADMIN = "HOOKS_ADMIN"
    READ_ONLY_ADMIN = "READ_ONLY_ADMIN"
    PUBLISHER = "PUBLISHER"


class Permission(StrEnum):
    """One thing that a route asks for, under the name of the scope that grants it: Okta's where Okta has one."""

    READ_HOOKS = "okta.eventHooks.read"
    MANAGE_HOOKS = "okta.eventHooks.manage"
    READ_INLINE_HOOKS = "okta.inlineHooks.read"
    MANAGE_INLINE_HOOKS = "okta.inlineHooks.manage"
    READ_LOG = "okta.logs.read"
    PUBLISH = "tenterhook.events.publish"
    RUN_INLINE_CALLS = "tenterhook.inlineCalls.run"
    MANAGE_ADMINS = "tenterhook.admins.manage"  #: admins and API tokens
    MANAGE_ORGS = "tenterhook.orgs.manage"
    PUBLISH_ANYWHERE = "tenterhook.orgs.publish"


#: What reaches beyond the caller's own org: only those of the operator's org, the first one, have it.
OPERATOR = frozenset({Permission.MANAGE_ORGS, Permission.PUBLISH_ANYWHERE})

_HOOKS = frozenset(
    {
        Permission.READ_HOOKS,
        Permission.MANAGE_HOOKS,
        Permission.READ_INLINE_HOOKS,
        Permission.MANAGE_INLINE_HOOKS,
    }
)
_ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.SUPER_ADMIN: frozenset(Permission),
    Role.HOOKS_ADMIN: _HOOKS | {Permission.READ_LOG},
    Role.READ_ONLY_ADMIN: frozenset({Permission.READ_LOG}),
    Role.PUBLISHER: frozenset({Permission.PUBLISH, Permission.RUN_INLINE_CALLS}),
}
#: Who may manage a thing may read it, who may publish anywhere may publish at home.
_IMPLIED = {
    Permission.MANAGE_HOOKS: Permission.READ_HOOKS,
    Permission.MANAGE_INLINE_HOOKS: Permission.READ_INLINE_HOOKS,
    Permission.PUBLISH_ANYWHERE: Permission.PUBLISH,
}


def permissions_of(role: Role, *, operator: bool) -> frozenset[Permission]:
    """Return what *role* may do. operator: whether its org is the operator's own."""
    allowed = _ALLOWED[role]
    return allowed if operator else allowed - OPERATOR


def permissions_in(scopes: Iterable[str], *, operator: bool) -> frozenset[Permission]:
    """Return what *scopes* grant; names that are none of ours grant nothing. operator: as in `permissions_of`."""
    named = {Permission(scope) for scope in scopes if scope in _NAMES}
    named |= {_IMPLIED[one] for one in named if one in _IMPLIED}
    return frozenset(named if operator else named - OPERATOR)


_NAMES = frozenset(str(one) for one in Permission)


#: The token id of the application that embeds Tenterhook: it holds none.
EMBEDDED = "embedded"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The caller of one request, as its token names it."""

    org_id: str
    admin_id: str  #: for whom it acts
    login: str
    name: str
    token_id: str
    permissions: frozenset[Permission]
    role: Role | None = None  #: None: it has scopes instead
    client_id: str | None = None  #: of the OAuth client (or subject) that holds the token; None: an API token
    request_id: str = ""
    ip: str | None = None
    user_agent: str | None = None

    @property
    def publishes_as(self) -> str | None:
        """What events are marked with that it publishes: its token's id, None for the application that embeds us."""
        return None if self.token_id in ("", EMBEDDED) else self.token_id

    @property
    def counted_as(self) -> str:
        """What its calls are counted under: token ids are unique, names of OAuth clients only within their org."""
        return self.token_id if self.client_id is None else f"{self.org_id} {self.token_id}"

    def may(self, permission: Permission) -> bool:
        """Return whether this caller may do what *permission* names."""
        return permission in self.permissions

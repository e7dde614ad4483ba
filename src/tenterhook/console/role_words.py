"""What roles and scopes let somebody do, in a line each: where they are chosen and where they are told."""

from __future__ import annotations

from collections.abc import Iterable

from tenterhook.domain.principal import Permission, Role, permissions_of

#: In the order offered: a name, and what it may do.
ROLES: dict[Role, tuple[str, str]] = {
    Role.SUPER_ADMIN: ("Super admin", "May do everything, and decides who may do what."),
    Role.HOOKS_ADMIN: ("Hooks admin", "Manages event hooks, inline hooks and hook keys, and reads the System Log."),
    Role.READ_ONLY_ADMIN: ("Read-only admin", "Reads the System Log and what it tells, and changes nothing."),
    Role.PUBLISHER: ("Publisher", "Publishes log events and runs inline calls, and sees nothing."),
}

SCOPES: dict[Permission, str] = {
    Permission.READ_HOOKS: "Read event hooks and their deliveries.",
    Permission.MANAGE_HOOKS: "Create, change and delete event hooks; retry deliveries.",
    Permission.READ_INLINE_HOOKS: "Read inline hooks and hook keys.",
    Permission.MANAGE_INLINE_HOOKS: "Create, change and delete inline hooks and hook keys; execute inline hooks.",
    Permission.READ_LOG: "Search, poll and follow the System Log.",
    Permission.PUBLISH: "Publish log events.",
    Permission.RUN_INLINE_CALLS: "Ask inline hooks for a process that waits.",
    Permission.MANAGE_ADMINS: "Manage admins and API tokens.",
    Permission.MANAGE_ORGS: "Found orgs and let somebody into them.",
    Permission.PUBLISH_ANYWHERE: "Publish log events into any org.",
}


def role_label(role: Role | str | None) -> str:
    """Return what a role is called on pages; a dash for none."""
    return ROLES[Role(role)][0] if role else "–"


def role_choices() -> list[tuple[str, str, str]]:
    """Return the roles as a choice: value, label and help."""
    return [(str(role), label, about) for role, (label, about) in ROLES.items()]


def scopes_of(permissions: Iterable[Permission]) -> list[tuple[str, str]]:
    """Return the scopes that grant *permissions*, each with what it is for, in the order offered."""
    held = set(permissions)
    return [(str(one), about) for one, about in SCOPES.items() if one in held]


def granted(role: Role | None, scopes: Iterable[str], *, operator: bool) -> list[str]:
    """Return the names of the scopes that a token has, be it by its role."""
    return [str(one) for one in SCOPES if one in permissions_of(role, operator=operator)] if role else list(scopes)

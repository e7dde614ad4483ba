"""The people, apps and places that `sample_event` tells of. Nobody has these names, ids or addresses."""

from __future__ import annotations

from tenterhook.domain.log_event import Tree

#: Okta's prefix of a type's ids, and a name for the one that samples show.
_KINDS = {
    "User": ("00u", "Ann Example"),
    "UserGroup": ("00g", "Sales"),
    "AppInstance": ("0oa", "Example CRM"),
    "AppUser": ("0ua", "Ann Example"),
    "PublicClientApp": ("0oc", "Example mobile app"),
    "AuthenticatorEnrollment": ("opf", "Okta Verify"),
    "Authenticator": ("aut", "Okta Verify"),
    "Device": ("guo", "Ann's laptop"),
    "PolicyEntity": ("00p", "Default policy"),
    "PolicyRule": ("0pr", "Catch-all rule"),
    "ROLE": ("irb", "Help desk administrator"),
    "ResourceSet": ("iam", "Sales resources"),
    "GroupRule": ("0pr", "Everybody in Sales"),
    "Token": ("00T", "Nightly export"),
    "NetworkZone": ("nzo", "Office network"),
    "IdentityProvider": ("0oi", "Example partner"),
    "AuthorizationServer": ("aus", "Example API"),
    "EventHook": ("who", "Example event hook"),
    "InlineHook": ("cal", "Example inline hook"),
    "HookKey": ("HKY", "Example key"),
    "AGENT": ("a53", "ad-agent-1.example.com"),
    "Org": ("00o", "Example organisation"),
    "access_token": ("0at", "Access token"),
    "MobilePhone": ("mbl", "SMS"),
    "TrustedOrigin": ("tos", "https://www.example.com"),
    "EmailDomain": ("OeD", "example.com"),
    "URL Pattern": ("url", "/api/v1/users"),
    "Flow": ("flo", "Tell Sales about new users"),
}


def _id(prefix: str, name: str) -> str:
    letters = "".join(char for char in name if char.isascii() and char.isalnum()).lower()
    return f"{prefix}1sample{letters[:10].rjust(10, '0')}"


def thing(kind: str, *, name: str | None = None, login: str = "unknown") -> Tree:
    """Return a target of the type *kind*, such as ``NetworkZone``: always the same for the same kind."""
    prefix, usual = _KINDS.get(kind, ("xmp", f"Example {kind}"))
    shown = name or usual
    return {"id": _id(prefix, shown), "type": kind, "alternateId": login, "displayName": shown, "detailEntry": None}


USER = thing("User", login="ann@example.com")
ADMIN = thing("User", name="Max Admin", login="max.admin@example.com")
GROUP = thing("UserGroup")
APP = thing("AppInstance", login="Example CRM")
APP_USER = thing("AppUser", login="ann@example.com")
CLIENT = thing("PublicClientApp")
AGENT_IN = thing("AGENT")
#: The platform itself, where nobody else acts.
SERVER: Tree = {
    "id": "00u1sample0000system",
    "type": "SystemPrincipal",
    "alternateId": "system@example.com",
    "displayName": "System",
    "detailEntry": None,
}
_PLACE = {
    "city": "Anytown",
    "state": "Example State",
    "country": "Exampleland",
    "postalCode": "00000",
    "geolocation": {"lat": 0.5, "lon": 0.5},
}
THINGS: dict[str, Tree] = {
    "support": thing("User", name="Support engineer", login="support@example.com"),
    "browser": {
        "userAgent": {
            "rawUserAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ExampleBrowser/1.0",
            "os": "Mac OS X",
            "browser": "UNKNOWN",
        },
        "zone": "Office network",
        "device": "Computer",
        "id": None,
        "ipAddress": "192.0.2.17",
        "geographicalContext": _PLACE,
    },
    "hop": {"ip": "192.0.2.17", "geographicalContext": _PLACE, "version": "V4", "source": None},
    "network": {
        "asNumber": 64496,
        "asOrg": "Example networks",
        "isp": "Example networks",
        "domain": "example.com",
        "isProxy": False,
    },
}

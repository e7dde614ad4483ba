"""Which attributes of a log event a filter may name, and what each holds: an allow-list.

Source: okta/system-log.md §3 and §7.
"""

from __future__ import annotations

from tenterhook.domain.filter_ast import Kind

_GEOGRAPHY = "city state country postalCode"
_IP_DETAILS = "asOrg domain isp ipServiceCategories.operator ipServiceCategories.type"

_TEXTS = {
    "": "uuid eventType version severity legacyEventType displayMessage",
    "actor": "id type alternateId displayName",
    "client": "zone device id ipAddress userAgent.rawUserAgent userAgent.os userAgent.browser",
    "client.geographicalContext": _GEOGRAPHY,
    "device": "id name os_platform os_version device_integrator disk_encryption_type screen_lock_type",
    "authenticationContext": "authenticationProvider credentialProvider credentialType issuer.id issuer.type interface "
    "externalSessionId rootSessionId",
    "outcome": "result reason",
    "target": "id type alternateId displayName",
    "transaction": "type id",
    "securityContext": "asOrg isp domain risk.detectionName risk.issuer risk.level risk.previousLevel risk.reasons "
    "userBehaviors.id userBehaviors.name userBehaviors.result botProtection.level",
    "securityContext.ipDetails": _IP_DETAILS,
    "request.ipChain": "ip version source",
    "request.ipChain.geographicalContext": _GEOGRAPHY,
    "request.ipChain.ipDetails": _IP_DETAILS,
}
_NUMBERS = {
    "client.geographicalContext.geolocation": "lat lon",
    "authenticationContext": "authenticationStep",
    "securityContext": "asNumber ipDetails.asNumber",
    "request.ipChain": "geographicalContext.geolocation.lat geographicalContext.geolocation.lon ipDetails.asNumber",
}
_BOOLEANS = {
    "device": "managed registered jailbreak secure_hardware_present",
    "securityContext": "isProxy ipDetails.ipServiceCategories.isAnonymous",
    "request.ipChain": "ipDetails.ipServiceCategories.isAnonymous",
}
#: Maps whose keys are anybody's: what follows the dot is one key.
_FREE_MAPS = ("debugContext.debugData", "actor.detailEntry", "target.detailEntry", "transaction.detail")
#: What events of custom types carry: each dot is a step inwards, and a value has the kind that it is compared as.
_CUSTOM = "data"
MAX_CUSTOM_DEPTH = 16


def _spread(groups: dict[str, str]) -> list[str]:
    return [f"{prefix}.{name}".lstrip(".") for prefix, names in groups.items() for name in names.split()]


_LEAVES: dict[str, Kind] = {
    **dict.fromkeys(_spread(_TEXTS), Kind.TEXT),
    **dict.fromkeys(_spread(_NUMBERS), Kind.NUMBER),
    **dict.fromkeys(_spread(_BOOLEANS), Kind.BOOLEAN),
}


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


_KINDS: dict[str, Kind] = {
    **{parent: Kind.OBJECT for name in (*_LEAVES, *_FREE_MAPS, _CUSTOM) for parent in _with_parents(name)},
    **_LEAVES,
}

#: Attributes that exist and that no operator may name.
_CLOSED = ("published", "target.changeDetails")


def kind_of(name: str) -> tuple[tuple[str, ...], Kind] | None:
    """Return the path and the kind of the attribute that *name* (dotted, case counts) names; None if there is none."""
    kind = _KINDS.get(name)
    if kind is not None:
        return tuple(name.split(".")), kind
    for free in _FREE_MAPS:
        if name.startswith(free + ".") and len(name) > len(free) + 1:
            return (*free.split("."), name[len(free) + 1 :]), Kind.TEXT
    if is_custom(name) and name.count(".") <= MAX_CUSTOM_DEPTH:
        return tuple(name.split(".")), Kind.TEXT
    return None


def names() -> list[str]:
    """Return the attributes that filters may name, but for the keys of maps that are anybody's."""
    return list(_KINDS)


def is_custom(name: str) -> bool:
    """Return whether *name* lies inside ``data``: whoever publishes decides what kind it has."""
    return name.startswith(_CUSTOM + ".")


def is_closed(name: str) -> bool:
    """Return whether *name* is an attribute of log events that cannot be queried at all."""
    return any(name == closed or name.startswith(closed + ".") for closed in _CLOSED)

"""The secret that goes in a header of every request, as a part of a form: kept as it is stored, typed anew, or none."""

from __future__ import annotations

from typing import Any

from tenterhook.console.form import FieldErrors, Form
from tenterhook.domain.channel import AuthScheme

#: Of the field ``auth``.
KEEP, SET, NONE = "keep", "set", "none"
USUAL_HEADER = "Authorization"

_AGAIN = "Type the secret again: no page ever holds one."


def fields_of_scheme(scheme: AuthScheme | None) -> dict[str, Any]:
    """Return the fields ``auth`` and ``auth_key`` that a stored authScheme fills."""
    if scheme is None:
        return {"auth": NONE, "auth_key": USUAL_HEADER}
    return {"auth": KEEP, "auth_key": scheme.key}


def scheme_of(auth: str, key: str, secret: str) -> dict[str, Any]:
    """Return the part of a channel's config that the fields make. secret: as it was typed."""
    if auth == NONE:
        return {}
    given = {} if auth == KEEP else {"value": secret}
    return {"authScheme": {"type": "HEADER", "key": key, **given}}


def stored_otherwise(typed: str, stored: str) -> str | None:
    """Return in words what is stored, where the form says otherwise; None where it does not. Both: the field auth."""
    if (typed == NONE) == (stored == NONE):
        return None
    return "none" if stored == NONE else "one is stored"


def with_secret_again(form: Form, errors: FieldErrors, field: str = "auth_value") -> FieldErrors:
    """Return *errors* with a word about the secret, if one was typed in *field*: it is lost with this answer."""
    meant = field != "auth_value" or form.text("auth") == SET
    if meant and form.text(field) and not errors.of(field):
        errors.add(field, _AGAIN)
    return errors

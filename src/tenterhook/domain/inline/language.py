"""The languages of the six types of inline hooks: which commands each knows, and what carries them out."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tenterhook.domain.inline.commands import password_import, registration, saml, telephony, token, user_import
from tenterhook.domain.inline.commands.conclusion import Conclusion
from tenterhook.domain.inline.decision import Command, Question
from tenterhook.domain.inline.kind import IMPORT, PASSWORD_IMPORT, REGISTRATION, SAML, TELEPHONY, TOKEN
from tenterhook.domain.inline.shape import Reader
from tenterhook.domain.log_event import Tree


class Language(msgspec.Struct, frozen=True):
    """What one type of inline hook understands."""

    shapes: Callable[[str | None], dict[str, Reader]]  #: of its commands, by type, for a `requestType`
    apply: Callable[[Command, Tree], str | None]  #: changes the data, or says why it cannot
    conclude: Callable[[Question, Tree, tuple[Command, ...]], Conclusion | str]  #: or why the whole cannot be applied


#: By type.
LANGUAGES: dict[str, Language] = {
    TOKEN.type: Language(token.shapes, token.apply, token.conclude),
    SAML.type: Language(saml.shapes, saml.apply, saml.conclude),
    REGISTRATION.type: Language(registration.shapes, registration.apply, registration.conclude),
    IMPORT.type: Language(user_import.shapes, user_import.apply, user_import.conclude),
    PASSWORD_IMPORT.type: Language(password_import.shapes, password_import.apply, password_import.conclude),
    TELEPHONY.type: Language(telephony.shapes, telephony.apply, telephony.conclude),
}

#: Every command type there is.
COMMAND_TYPES: frozenset[str] = frozenset(
    name
    for kind in (TOKEN, SAML, REGISTRATION, IMPORT, PASSWORD_IMPORT, TELEPHONY)
    for request_type in kind.request_types or (None,)
    for name in LANGUAGES[kind.type].shapes(request_type)
)

"""Commands of user import inline hooks: change both profiles, and create a user or link one.

Source: okta/inline-hooks.md §4.4. The contract does not say in which order the two commands of a link come, so what
counts is where all commands lead together.
"""

from __future__ import annotations

from tenterhook.domain.inline.commands.conclusion import Conclusion
from tenterhook.domain.inline.commands.profile import attributes, merge
from tenterhook.domain.inline.decision import Command, Question
from tenterhook.domain.inline.shape import Reader, choice, part, text
from tenterhook.domain.log_event import Tree

ACTION_UPDATE = "com.okta.action.update"
USER_UPDATE = "com.okta.user.update"
PROFILE_UPDATE = "com.okta.user.profile.update"
APP_PROFILE_UPDATE = "com.okta.appUser.profile.update"
MAX_USER_ID = 64

_SHAPES: dict[str, Reader] = {
    APP_PROFILE_UPDATE: attributes,
    PROFILE_UPDATE: attributes,
    ACTION_UPDATE: part({"result": choice("CREATE_USER", "LINK_USER")}, required=("result",)),
    USER_UPDATE: part({"id": text(MAX_USER_ID, blank=False)}, required=("id",)),
}


def shapes(request_type: str | None) -> dict[str, Reader]:
    """Return, by command type, what reads the command's value."""
    return _SHAPES


def apply(command: Command, data: Tree) -> str | None:
    """Carry *command* out on *data*; every command can be."""
    if command.type == ACTION_UPDATE:
        data["action"]["result"] = command.value["result"]
    elif command.type == USER_UPDATE:
        data["user"]["id"] = command.value["id"]
    elif command.type == PROFILE_UPDATE:
        merge(command.value, data["user"]["profile"])
    else:
        merge(command.value, data["appUser"]["profile"])
    return None


def conclude(question: Question, data: Tree, commands: tuple[Command, ...]) -> Conclusion | str:
    """Return the outcome; a link needs a user, and a user that a command names needs a link.

    The user may be the one that the import itself had matched.
    """
    result = data["action"]["result"]
    if result == "LINK_USER" and "id" not in data["user"]:
        return f'LINK_USER needs a user: add the command {USER_UPDATE} with {{"id": "<the user\'s id>"}}'
    if result != "LINK_USER" and any(command.type == USER_UPDATE for command in commands):
        return f'{USER_UPDATE} names a user to link: add the command {ACTION_UPDATE} with {{"result": "LINK_USER"}}'
    return Conclusion()

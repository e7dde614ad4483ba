"""What people name by its id or its exact name: event hooks, inline hooks, hook keys, orgs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tenterhook.cli.failure import CommandError
from tenterhook.cli.output import part, print_json, say

if TYPE_CHECKING:
    from tenterhook.cli.client import Client

#: Elements of a list that a command reads: all that there are.
MOST = 100_000
ID_LENGTH = 20


class Kind(NamedTuple):
    """One kind of thing."""

    path: str  #: of its list
    prefix: str  #: of its ids
    word: str  #: for people
    listing: str  #: the command that shows all


EVENT_HOOK = Kind("/api/v1/eventHooks", "who", "event hook", "hooks list")
INLINE_HOOK = Kind("/api/v1/inlineHooks", "cal", "inline hook", "inline list")
HOOK_KEY = Kind("/api/v1/hook-keys", "HKY", "hook key", "hook-keys list")
ORG = Kind("/api/v1/orgs", "00o", "org", "orgs list")


def find_id(client: Client, kind: Kind, text: str) -> str:
    """Return the id of the thing with this id or exact name. Raises: CommandError, if none has the name."""
    if len(text) == ID_LENGTH and text.startswith(kind.prefix) and text.isascii() and text.isalnum():
        return text
    for one in client.pages(kind.path, {}, MOST):
        if part(one, "name") == text:
            return str(part(one, "id"))
    raise CommandError(f"No {kind.word} has the id or the name {text!r}. `tenterhook {kind.listing}` shows all.")


def find_path(client: Client, kind: Kind, text: str) -> str:
    """Return the path of the thing with this id or exact name. Raises: CommandError, if none has the name."""
    return f"{kind.path}/{find_id(client, kind, text)}"


def delete_named(client: Client, kind: Kind, text: str, *, as_json: bool) -> None:
    """Delete the thing with this id or exact name, and say so. Raises: CommandError."""
    found = find_id(client, kind, text)
    client.delete(f"{kind.path}/{found}")
    if as_json:
        print_json({"id": found, "deleted": True})
    else:
        say(f"{text} is deleted")

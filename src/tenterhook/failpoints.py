"""Named places at which a test can make the process die, as a power cut or `kill -9` would.

`FAILPOINT=name:nth` in the environment ends the process at the *nth* passage of *name*, without any clean-up. Unset,
a passage costs one look at an empty table.
"""

from __future__ import annotations

import os

#: Every failpoint, in the order in which one event passes them.
NAMES = (
    "publish.before_insert",
    "publish.before_commit",
    "commit.after",
    "publish.before_answer",
    "lane.accepted",
    "claim.before_commit",
    "deliver.before_send",
    "deliver.after_send",
    "settle.before_update",
    "settle.before_commit",
    "settle.after_commit",
    "recover.before_commit",
    "recover.after_commit",
)

_KILLED = 137
_armed: dict[str, int] = {}


def arm(text: str) -> None:
    """Arm what *text* (``name:nth``, several parted by commas) names.

    Raises: ValueError, for a name that is none.
    """
    _armed.clear()
    for part in filter(None, text.split(",")):
        name, _, nth = part.partition(":")
        if name not in NAMES:
            raise ValueError(f"{name!r} is no failpoint; there are {', '.join(NAMES)}")
        _armed[name] = int(nth or 1)


def passing(name: str) -> None:
    """Die here if the failpoint *name* is armed and this is its turn."""
    if _armed and name in _armed:
        _armed[name] -= 1
        if _armed[name] == 0:
            os._exit(_KILLED)


arm(os.environ.get("FAILPOINT", ""))

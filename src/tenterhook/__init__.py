"""Okta-compatible event hooks, inline hooks and System Log, self-hosted. (Not affiliated with Okta.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenterhook.platform import Tenterhook

__all__ = ["Tenterhook"]


def __getattr__(name: str) -> Any:
    # Loaded on first use: a client command of the CLI needs none of the pipeline.
    if name == "Tenterhook":
        from tenterhook.platform import Tenterhook

        return Tenterhook
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

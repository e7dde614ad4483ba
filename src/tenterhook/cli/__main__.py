"""So that ``python -m tenterhook.cli`` is the command."""

from __future__ import annotations

from tenterhook.cli import main

main()

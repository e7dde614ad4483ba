"""The rigs of the store, the engine, the API and the log serve here as well."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("store", "engine", "api", "log"):
    path = str(Path(__file__).parents[1] / folder)
    if path not in sys.path:
        sys.path.append(path)

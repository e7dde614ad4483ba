"""The rigs of the API and the command line serve here as well."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("api", "cli"):
    path = str(Path(__file__).parents[1] / folder)
    if path not in sys.path:
        sys.path.append(path)

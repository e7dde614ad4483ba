"""The rigs of the API's and the command line's tests serve these too."""

import sys
from pathlib import Path

for folder in ("api", "cli"):
    sys.path.append(str(Path(__file__).parents[1] / folder))

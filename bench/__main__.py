"""`python -m bench [deliveries|inline|log|console]`: the benchmarks, as tables; without a name, all of them."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from bench import console, first_benchmark, inline_benchmark, log_benchmark
from bench.product import LOAD_CPU

parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
parser.add_argument("what", nargs="?", choices=["deliveries", "inline", "log", "console", "all"], default="all")
parser.add_argument("--scale", type=float, default=1.0, help="deliveries, inline: of their number (default 1.0)")
parser.add_argument(
    "--fsync-ms", type=int, nargs="*", default=[0, 5], help="deliveries: added to each fsync (default 0 5)"
)
parser.add_argument(
    "--events",
    type=int,
    help="log: so many (default 300,000; the page says 10,000,000); console: default 100,000",
)
parser.add_argument("--folder", type=Path, help="log: where to make it, and keep it (25 GB for 10,000,000)")
parser.add_argument("--json", type=Path, help="write the figures to this file too")
options = parser.parse_args()
figures: dict[str, object] = {}
if options.what in ("deliveries", "inline", "all"):
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {LOAD_CPU})
    if options.what != "inline":
        figures |= first_benchmark.main(options.scale, options.fsync_ms)
    if options.what != "deliveries":
        figures |= inline_benchmark.main(options.scale)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
if options.what in ("log", "all"):
    figures |= log_benchmark.main(options.events or 300_000, folder=options.folder)
if options.what in ("console", "all"):
    figures |= console.main(options.events or 100_000, folder=options.folder)
if options.json:
    options.json.write_text(json.dumps(figures, indent=2) + "\n")

"""The log benchmark: searching, and publishing into, a System Log of millions of events.

The log is filled through the store, indexed as the indexer does it, and searched through the engine by one caller, many
times, each time for something else. Publishing is measured on the whole product, into this log and into an empty one.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

from bench.first_benchmark import Case, measure
from bench.history import DAY_MS, TYPES, History
from bench.pressure import Pressure, under_searches
from tenterhook.domain.log_query import read_log_query
from tenterhook.domain.timestamp import format_ms
from tenterhook.engine.search_logs import search_logs
from tenterhook.errors import QueryTimeoutError
from tenterhook.platform import Tenterhook
from tenterhook.store import log_events, log_index, orgs
from tenterhook.store.database import Database
from tenterhook.store.transaction import Tx

#: The log reaches this far back: inside the retention, so that all of it can be found.
DAYS = 60
BATCH = 2_000
SEARCHES = 200
PUBLISHED = Case("single events, 1 a delivery", 1, 1, 20_000)
Parameters = list[tuple[str, str]]


@dataclass
class Filled:
    """What filling the log took."""

    events: int
    json_bytes: int
    file_bytes: int
    insert_us: float
    index_us: float

    @property
    def ratio(self) -> float:
        """Bytes on disk for each byte of JSON."""
        return self.file_bytes / self.json_bytes


@dataclass
class Found:
    """What searches of one kind took, in milliseconds."""

    what: str
    order: str
    p50_ms: float
    p95_ms: float
    worst_ms: float
    rows: float  #: in a page, on average
    late: int  #: that ran out of time, and said so


@dataclass
class Report:
    """The figures."""

    filled: Filled
    found: list[Found] = field(default_factory=list)
    publish_empty_us: float = 0.0
    publish_large_us: float = 0.0
    pressure: Pressure | None = None
    memory_before_mb: float = 0.0
    memory_after_mb: float = 0.0


def fill(data: Path, events: int) -> Filled:
    """Fill the log of a data directory that is not in use, and index it."""
    now_ms = time.time_ns() // 1_000_000
    database = Database(data / "tenterhook.db")
    try:
        org = database.run_now(orgs.first)
        assert org is not None
        rows = History(org.id, 7, now_ms - DAYS * DAY_MS, now_ms, events).rows()
        size, spent = 0, 0.0
        while batch := list(islice(rows, BATCH)):
            size += sum(len(row.body) for _, row in batch)
            began = time.perf_counter()
            database.run_now(lambda tx, batch=batch: log_events.append(tx, [row for _, row in batch], batch[0][0]))
            spent += time.perf_counter() - began
        began = time.perf_counter()
        while database.run_now(_index):
            pass
        indexed = time.perf_counter() - began
        database.run_now(lambda tx: None)
    finally:
        asyncio.run(database.close())
    file_bytes = sum(path.stat().st_size for path in data.glob("tenterhook.db*"))
    return Filled(events, size, file_bytes, spent / events * 1e6, indexed / events * 1e6)


def _index(tx: Tx) -> int:
    return log_index.fill(tx, 1_000)


# ---- searches --------------------------------------------------------------------------------------------------------


def kinds(history: History, now_ms: int) -> dict[str, Callable[[Random], Parameters]]:
    """Return what is searched for, by name: each call asks for something else of the kind."""
    people = history.people
    names = list(TYPES)

    def one_of(template: str, key: str) -> Callable[[Random], Parameters]:
        return lambda random: [("filter", template % random.choice(people)[key])]

    sample = [json.loads(row.body) for _, row in islice(history.rows(), 2_000)]
    return {
        "eventType": lambda random: [("filter", f'eventType eq "{random.choice(names)}"')],
        "actor.id": one_of('actor.id eq "%s"', "actor_id"),
        "target.id": one_of('target.id eq "%s"', "actor_id"),
        "outcome.result": lambda r: [("filter", f'outcome.result eq "{r.choice(("SUCCESS", "FAILURE", "DENY"))}"')],
        "client.ipAddress": one_of('client.ipAddress eq "%s"', "ip"),
        "uuid": lambda random: [("filter", f'uuid eq "{random.choice(sample)["uuid"]}"')],
        "transaction.id": lambda r: [("filter", f'transaction.id eq "{r.choice(sample)["transaction"]["id"]}"')],
        "a day": lambda random: _day(random, now_ms),
        "q, two keywords": lambda r: [
            ("q", f"{r.choice(people)['actor_name'].split()[1]} {r.choice(('deny', 'Accra'))}")
        ],
    }


def _surname(random: Random, people: list[dict[str, str]]) -> str:
    return random.choice(people)["actor_name"].split()[1]


def _day(random: Random, now_ms: int) -> Parameters:
    since = now_ms - random.randrange(1, DAYS) * DAY_MS
    return [("since", format_ms(since)), ("until", format_ms(since + DAY_MS))]


def orders(now_ms: int) -> dict[str, Parameters]:
    """Return the three ways to walk the log, over all of it."""
    whole = ("since", format_ms(now_ms - (DAYS + 1) * DAY_MS))
    return {
        "polling": [whole],
        "oldest first": [whole, ("until", format_ms(now_ms))],
        "newest first": [whole, ("until", format_ms(now_ms)), ("sortOrder", "DESCENDING")],
    }


async def search(data: Path, history: History, searches: int) -> tuple[list[Found], float, float]:
    """Measure searches of every kind; also the process's memory before and after a path that no index knows."""
    found = []
    async with Tenterhook.at(str(data)) as hooks:
        now_ms = hooks.pipeline.now_ms()
        for what, ask in kinds(history, now_ms).items():
            for order, bounds in orders(now_ms).items():
                random = Random(3)
                days = what == "a day"
                if days and order == "polling":
                    continue
                extra = bounds[2:] if days else bounds
                found.append(await _measure(hooks, what, order, (ask(random) + extra for _ in range(searches))))
                print(f"  {what}, {order}: p95 {found[-1].p95_ms:.1f} ms", file=sys.stderr)
        before = _memory_mb()
        path = [("filter", 'securityContext.isp ne "example"'), *orders(now_ms)["oldest first"]]
        found.append(await _measure(hooks, "a path without index", "oldest first", iter([path])))
        return found, before, _memory_mb()


async def _measure(hooks: Tenterhook, what: str, order: str, asked: Iterator[Parameters]) -> Found:
    assert hooks._principal is not None
    times, rows, late = [], 0, 0
    for parameters in asked:
        query = read_log_query(parameters, hooks.pipeline.now_ms())
        began = time.perf_counter()
        try:
            page = await search_logs(hooks.pipeline, hooks._principal, query)
            rows += len(page.bodies)
        except QueryTimeoutError:
            late += 1
        times.append((time.perf_counter() - began) * 1000)
    cuts = quantiles(times, n=20) if len(times) > 1 else times * 19
    return Found(what, order, cuts[9], cuts[18], max(times), rows / len(times), late)


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# ---- all of it -------------------------------------------------------------------------------------------------------


async def run(events: int, folder: Path, searches: int) -> Report:
    """Fill a log in *folder*, and measure."""
    data, told = folder / "large", folder / "large.json"
    if not told.exists():
        async with Tenterhook.at(str(data)):
            pass
        print(f"Filling the log with {events:,} events ...", file=sys.stderr)
        told.write_text(json.dumps(asdict(await asyncio.to_thread(fill, data, events))))
    report = Report(Filled(**json.loads(told.read_text())))
    print(f"  {report.filled.ratio:.2f} bytes on disk a byte of JSON", file=sys.stderr)
    now_ms = time.time_ns() // 1_000_000
    history = History("-", 7, now_ms - DAYS * DAY_MS, now_ms, events)
    report.found, report.memory_before_mb, report.memory_after_mb = await search(data, history, searches)
    print("Publishing into it, and into an empty one ...", file=sys.stderr)
    report.publish_empty_us = (await measure(PUBLISHED, folder, {})).cpu_us_per_event
    report.publish_large_us = (await measure(PUBLISHED, folder, {}, data)).cpu_us_per_event
    print("20 searches at a time beside publishing ...", file=sys.stderr)
    report.pressure = await under_searches(data, kinds(history, now_ms), orders(now_ms))
    return report


def table(report: Report) -> str:
    """Return the report for people."""
    filled = report.filled
    lines = [
        f"{filled.events:,} events; {filled.json_bytes / filled.events:,.0f} bytes of JSON each; "
        f"{filled.ratio:.2f} bytes on disk a byte of JSON",
        f"stored in {filled.insert_us:.1f} us, indexed in {filled.index_us:.1f} us an event",
        "",
        f"{'page of 100 by':<22}{'order':<14}{'p50 ms':>9}{'p95 ms':>9}{'worst':>9}{'rows':>7}{'late':>6}",
    ]
    for one in report.found:
        times = f"{one.p50_ms:>9.1f}{one.p95_ms:>9.1f}{one.worst_ms:>9.1f}"
        lines.append(f"{one.what:<22}{one.order:<14}{times}{one.rows:>7.0f}{one.late:>6}")
    lines += [
        "",
        f"memory before and after a path without index: {report.memory_before_mb:.0f}, {report.memory_after_mb:.0f} MB",
        f"publishing: {report.publish_empty_us:.0f} us of CPU an event into an empty log, "
        f"{report.publish_large_us:.0f} into this one ({report.publish_large_us / report.publish_empty_us:.2f} x)",
    ]
    if report.pressure is not None:
        lines.append(report.pressure.in_words())
    return "\n".join(lines)


def as_json(report: Report) -> dict[str, Any]:
    """Return the report for machines."""
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cpus": os.cpu_count()}
    return {"machine": machine, "log": asdict(report)}


def main(events: int, searches: int = SEARCHES, folder: Path | None = None) -> dict[str, Any]:
    """Run the benchmark, print its table, and return its figures.

    folder: where the log is made, and kept for another run; without it, it is made anew and thrown away.
    """
    with tempfile.TemporaryDirectory(prefix="tenterhook-bench-") as name:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(run(events, folder or Path(name), searches))
    print(table(report))
    return as_json(report)

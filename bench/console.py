"""The console benchmark: every figure that a page shows, and every page, on a log with 1,000 hooks.

Events, hooks and deliveries are stored through the store, as publishing and settling store them; the reads are those of
the engine, by one caller. What counting costs a settled delivery is measured in the same run, with it and without.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any

from bench.console_pages import CONSOLES, Beside, Page, beside_consoles, pages
from bench.history import DAY_MS, TYPES, History
from tenterhook.domain.attempt import Attempt, Outcome, Phases, Reason
from tenterhook.domain.channel import Channel, Config
from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.event_hook import EventHook, Events
from tenterhook.domain.log_query import read_log_query
from tenterhook.engine.figures.hooks import read_hook_figures
from tenterhook.engine.figures.log_figures import read_log_figures
from tenterhook.engine.figures.overview import read_overview
from tenterhook.engine.figures.spans import Span
from tenterhook.engine.figures.triggered import read_triggered
from tenterhook.engine.find_deliveries import DeliveryQuery, find_deliveries
from tenterhook.engine.search_logs import search_logs
from tenterhook.ids import EVENT_HOOK, new_id, uuid7, uuid_text
from tenterhook.platform import Tenterhook
from tenterhook.store import admins, deliveries, event_hooks, log_events, log_index, orgs, tallies
from tenterhook.store.database import Database
from tenterhook.store.deliveries import Born, Claimed, Settled
from tenterhook.store.schema import State
from tenterhook.store.transaction import Tx
from tenterhook.store.vault import Vault, new_key

DAYS, HOOKS, BATCH, READS = 60, 1_000, 2_000, 100
#: A delivery for each so many events; each eighth one fails, each 200th waits.
EVENTS_A_DELIVERY = 5
SETTLED, ROUNDS = 20_000, 7


@dataclass
class Read:
    """What one kind of read took, in milliseconds."""

    what: str
    p50_ms: float
    p95_ms: float
    worst_ms: float
    cpu_ms: float  #: of the whole process, the median: what it is on a machine that has nothing else to do
    note: str = ""


@dataclass
class Settling:
    """What settling took the writing thread, a delivery."""

    batch: int
    hooks: int
    without_us: float
    with_us: float
    adding_up_us: float  #: on a reading thread and the writing one, later

    @property
    def cost_us(self) -> float:
        """What counting costs when a delivery is settled."""
        return self.with_us - self.without_us


@dataclass
class Report:
    """The figures."""

    events: int
    deliveries: int = 0
    reads: list[Read] = field(default_factory=list)
    settling: list[Settling] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    beside: Beside | None = None


# ---- what is read from -----------------------------------------------------------------------------------------------


def fill(data: Path, events: int) -> int:
    """Fill a data directory that is not in use; return how many deliveries it got."""
    now_ms = time.time_ns() // 1_000_000
    database, vault = Database(data / "tenterhook.db"), Vault([new_key()])
    try:
        org = database.run_now(orgs.first)
        assert org is not None
        admin = database.run_now(lambda tx: admins.first_super_admin(tx, org.id))
        assert admin is not None
        hooks = [_hook(at, org.id, admin.id, now_ms) for at in range(HOOKS)]
        database.run_now(lambda tx: [event_hooks.insert(tx, vault, one, 1) for one in hooks])
        rows = History(org.id, 7, now_ms - DAYS * DAY_MS, now_ms, events).rows()
        random, made = Random(5), 0
        while batch := list(islice(rows, BATCH)):
            first = database.run_now(partial(_append, batch=batch))
            seqs = range(first, first + len(batch), EVENTS_A_DELIVERY)
            # Half of them within the last day: what a console is opened for.
            at_ms = batch[0][0] if random.random() < 0.5 else now_ms - random.randrange(DAY_MS)
            database.run_now(partial(_deliver, hooks=hooks, seqs=seqs, at_ms=at_ms, random=random))
            made += len(seqs)
        while database.run_now(lambda tx: log_index.fill(tx, 1_000)):
            pass
        while (found := database.run_now(tallies.folded)) is not None:
            database.run_now(partial(tallies.replace, made=found))
        while database.run_now(partial(tallies.forget, org_id=org.id, now_ms=now_ms, limit=BATCH)):
            pass
        return made
    finally:
        asyncio.run(database.close())


def _hook(at: int, org_id: str, admin_id: str, now_ms: int) -> EventHook:
    return EventHook(
        id=new_id(EVENT_HOOK),
        org_id=org_id,
        status="ACTIVE",
        verification_status="UNVERIFIED" if at % 50 == 0 else "VERIFIED",
        ever_verified=True,
        name=f"Hook {at}",
        description=None,
        created=now_ms,
        created_by=admin_id,
        last_updated=now_ms,
        events=Events(items=("user.account.lock",)),
        channel=Channel(config=Config(uri=f"https://receiver-{at}.example.com/hook")),
        delivery_policy=DeliveryPolicy(retry="durable", paused=True),
        public_url="https://hooks.example.com",
    )


def _append(tx: Tx, batch: Sequence[tuple[int, log_events.Row]]) -> int:
    return log_events.append(tx, [row for _, row in batch], batch[0][0])


def _deliver(tx: Tx, hooks: Sequence[EventHook], seqs: Sequence[int], at_ms: int, random: Random) -> None:
    org_id = hooks[0].org_id
    born = [Born(org_id, random.choice(hooks).id, uuid7(), 1, [seq], claimed=True) for seq in seqs]
    deliveries.insert(tx, born, "bench", at_ms)
    outcomes = []
    for at, one in enumerate(born):
        state = State.READY if at % 200 == 0 else State.FAILED if at % 8 == 0 else State.DELIVERED
        outcomes.append(_outcome(one, state, at_ms, random))
    deliveries.settle(tx, outcomes, "bench", at_ms)
    for one in born[:: len(born) // 3]:
        if random.random() < 0.02:
            deliveries.mark_health(tx, (org_id, one.hook_id), at_ms)


def _outcome(one: Born, state: State, at_ms: int, random: Random) -> Settled:
    delivered = state is State.DELIVERED
    attempt = Attempt(
        Outcome.DELIVERED if delivered else Outcome.FAILED,
        None if delivered else Reason.STATUS,
        "204 No Content" if delivered else "The endpoint answered 503 Service Unavailable.",
        datetime.fromtimestamp(at_ms / 1000, UTC),
        Phases(queue=0.4, first_byte=20.0, total=random.lognormvariate(3, 1)),
        status=204 if delivered else 503,
        number=1,
    )
    claimed = Claimed(one.id, one.org_id, one.hook_id, one.event_id, 1, 0, 0, at_ms, at_ms)
    due = at_ms + 1_800_000
    return Settled(claimed, attempt, state, due, 1, "EXHAUSTED" if state is State.FAILED else None)


# ---- reads -----------------------------------------------------------------------------------------------------------


async def read(data: Path, reads: int) -> list[Read]:
    """Measure every read that a page does."""
    found = []
    async with Tenterhook.at(str(data)) as hooks:
        await asyncio.sleep(1)  # what a start does behind the serving
        for what, ask in _kinds(hooks).items():
            found.append(await _measure(what, ask, reads))
            print(f"  {what}: p95 {found[-1].p95_ms:.1f} ms", file=sys.stderr)
    return found


def _kinds(hooks: Tenterhook) -> dict[str, Callable[[Random], Awaitable[str]]]:
    pipeline, me = hooks.pipeline, hooks._principal
    assert me is not None
    ids = list(pipeline.subscriptions.committed)

    def overview(span: Span) -> Callable[[Random], Awaitable[str]]:
        async def ask(random: Random) -> str:
            found = await read_overview(pipeline, me, span)
            return f"{found.delivered:,} delivered, {found.failing_count} failing"

        return ask

    def listed(**query: Any) -> Callable[[Random], Awaitable[str]]:
        async def ask(random: Random) -> str:
            made = {key: one(random) if callable(one) else one for key, one in query.items()}
            page = await find_deliveries(pipeline, me, DeliveryQuery(**made), budget_s=0.06)
            return f"{len(page.deliveries)} rows" + ("" if page.complete else ", incomplete")

        return ask

    def log(*parameters: tuple[str, str]) -> Callable[[Random], Awaitable[str]]:
        async def ask(random: Random) -> str:
            since = ("since", _days_ago(pipeline.now_ms(), DAYS))
            found = await read_log_figures(pipeline, me, read_log_query([since, *parameters], pipeline.now_ms()))
            return f"{found.histogram.counted:,} counted" + ("" if found.histogram.complete else ", incomplete")

        return ask

    async def all_hooks(random: Random) -> str:
        return f"{len(await read_hook_figures(pipeline, me))} hooks"

    async def one_hook(random: Random) -> str:
        return f"{len(await read_hook_figures(pipeline, me, [random.choice(ids)]))} hook"

    async def triggered(random: Random) -> str:
        since = ("since", _days_ago(pipeline.now_ms(), DAYS))
        page = await search_logs(pipeline, me, read_log_query([since], pipeline.now_ms()))
        uuids = [_uuid(body) for body in page.bodies]
        began = time.perf_counter()
        await read_triggered(pipeline, me, uuids)
        return f"{len(uuids)} events, {(time.perf_counter() - began) * 1000:.1f} ms of it"

    rare = random_type = list(TYPES)
    return {
        **{f"overview of a {span.lower()}": overview(span) for span in Span},
        "figures of all hooks": all_hooks,
        "figures of one hook": one_hook,
        "deliveries, newest": listed(),
        "deliveries, FAILED": listed(statuses=frozenset({"FAILED"})),
        "deliveries, RETRYING or HELD": listed(statuses=frozenset({"RETRYING", "HELD"})),
        "deliveries of a hook": listed(hook_id=lambda random: random.choice(ids)),
        "deliveries of a type": listed(event_type=lambda random: random.choice(random_type[:4])),
        "deliveries of a rare type": listed(event_type=rare[-1]),
        "deliveries, none such": listed(event_type="no.such.type"),
        "log figures, whole log": log(),
        "log figures, dense filter": log(("filter", 'outcome.result eq "SUCCESS"')),
        "log figures, rare filter": log(("filter", f'eventType eq "{rare[-1]}"')),
        "log figures, no words": log(("filter", 'securityContext.isp ne "example"')),
        "a page of the log and what it caused": triggered,
    }


def _days_ago(now_ms: int, days: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000 - days * 86_400, UTC).isoformat().replace("+00:00", "Z")


def _uuid(body: bytes) -> str:
    at = body.rindex(b'"uuid":"') + 8
    return body[at : at + 36].decode()


async def _measure(what: str, ask: Callable[[Random], Awaitable[str]], reads: int) -> Read:
    random, times, spent, note = Random(3), list[float](), list[float](), ""
    for _ in range(reads):
        began, before = time.perf_counter(), time.process_time()
        note = await ask(random)
        times.append((time.perf_counter() - began) * 1000)
        spent.append((time.process_time() - before) * 1000)
    cuts = quantiles(times, n=20) if len(times) > 1 else times * 19
    return Read(what, cuts[9], cuts[18], max(times), median(spent), note)


# ---- what counting costs ---------------------------------------------------------------------------------------------


def settling(folder: Path) -> Iterator[Settling]:
    """Measure settling with and without the counting, in turns, and the adding up."""
    for batch, hooks in ((1, 1), (64, 1), (256, 16), (256, 1_000)):
        with_us, without_us, adding = [], [], []
        for turn in range(ROUNDS * 2):
            counts = turn % 2 == 0
            spent, added = _settle(folder / f"settling-{batch}-{hooks}-{turn}", batch, hooks, counts)
            (with_us if counts else without_us).append(spent)
            if counts:
                adding.append(added)
        yield Settling(batch, hooks, median(without_us), median(with_us), median(adding))


def _settle(folder: Path, batch: int, hooks: int, counts: bool) -> tuple[float, float]:
    """Return what settling and adding up took, µs a delivery."""
    from tenterhook.store.migrate import migrate

    folder.mkdir()
    database = Database(folder / "tenterhook.db")
    note = tallies.note
    many = SETTLED if batch > 1 else SETTLED // 40  # each of those is a commit
    try:
        database.run_now(migrate)
        random, now_ms, spent = Random(1), time.time_ns() // 1_000_000, 0.0
        ids = ["who" + uuid_text(uuid7())[-12:] + f"{at:05d}" for at in range(hooks)]
        born = [Born("00o" + "a" * 17, random.choice(ids), uuid7(), 1, [at], claimed=True) for at in range(many)]
        database.run_now(lambda tx: deliveries.insert(tx, born, "bench", now_ms))
        outcomes = [_outcome(one, State.DELIVERED, now_ms, random) for one in born]
        if not counts:
            tallies.note = lambda tx, ended, now_ms: None
        for start in range(0, many, batch):
            spent += database.run_now(partial(_timed, outcomes[start : start + batch], now_ms))
        tallies.note = note
        began = time.thread_time()
        while (found := database.run_now(tallies.folded)) is not None:
            database.run_now(partial(tallies.replace, made=found))
        return spent / many * 1e6, (time.thread_time() - began) / many * 1e6
    finally:
        tallies.note = note
        asyncio.run(database.close())


def _timed(outcomes: Sequence[Settled], now_ms: int, tx: Tx) -> float:
    began = time.thread_time()  # what others do to this machine meanwhile is not its cost
    deliveries.settle(tx, outcomes, "bench", now_ms)
    return time.thread_time() - began


# ---- all of it -------------------------------------------------------------------------------------------------------


async def run(events: int, folder: Path, reads: int) -> Report:
    """Fill a data directory in *folder*, or take the one that is there, and measure."""
    data, told = folder / "console", folder / "console.txt"
    report = Report(events)
    if not told.exists():
        async with Tenterhook.at(str(data)):
            pass
        print(f"Filling a log of {events:,} events and {HOOKS:,} hooks ...", file=sys.stderr)
        told.write_text(str(await asyncio.to_thread(fill, data, events)))
    report.deliveries = int(told.read_text())
    report.reads = await read(data, reads)
    print("Pages, as a browser asks for them ...", file=sys.stderr)
    report.pages = await pages(data, reads)
    print(f"Deliveries, alone and beside {CONSOLES} open consoles ...", file=sys.stderr)
    report.beside = await beside_consoles(data)
    print("Settling with and without the counting ...", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="tenterhook-bench-") as name:
        report.settling = await asyncio.to_thread(lambda: list(settling(Path(name))))
    return report


def table(report: Report) -> str:
    """Return the report for people."""
    lines = [
        f"{report.events:,} events, {HOOKS:,} hooks, {report.deliveries:,} deliveries",
        "",
        f"{'read':<40}{'p50 ms':>9}{'p95 ms':>9}{'worst':>9}{'CPU ms':>9}  last",
    ]
    for one in report.reads:
        lines.append(
            f"{one.what:<40}{one.p50_ms:>9.1f}{one.p95_ms:>9.1f}{one.worst_ms:>9.1f}{one.cpu_ms:>9.1f}  {one.note}"
        )
    lines += ["", f"{'page':<40}{'p50 ms':>9}{'p95 ms':>9}{'worst':>9}{'bytes':>9}"]
    for page in report.pages:
        lines.append(f"{page.what:<40}{page.p50_ms:>9.1f}{page.p95_ms:>9.1f}{page.worst_ms:>9.1f}{page.size:>9,}")
    if report.beside is not None:
        alone, beside = median(report.beside.alone_ms), median(report.beside.beside_ms)
        lines += ["", f"deliveries' p99 {alone:.1f} ms alone, {beside:.1f} ms beside {CONSOLES} open consoles:"]
        lines[-1] += f" {report.beside.ratio:.2f} x"
    lines += ["", f"{'settling, us a delivery':<28}{'without':>9}{'with':>9}{'cost':>9}{'adding up':>11}"]
    for each in report.settling:
        what = f"{each.batch} a commit, {each.hooks:,} hooks"
        times = f"{each.without_us:>9.2f}{each.with_us:>9.2f}{each.cost_us:>9.2f}{each.adding_up_us:>11.2f}"
        lines.append(f"{what:<28}{times}")
    return "\n".join(lines)


def main(events: int, reads: int = READS, folder: Path | None = None) -> dict[str, Any]:
    """Run the benchmark, print its table, and return its figures.

    folder: where the data is made, and kept for another run; without it, it is made anew and thrown away.
    """
    with tempfile.TemporaryDirectory(prefix="tenterhook-bench-") as name:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(run(events, folder or Path(name), reads))
    print(table(report))
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cpus": os.cpu_count()}
    return {"machine": machine, "console": asdict(report)}

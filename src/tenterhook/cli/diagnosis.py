"""What `tenterhook check` looks at, one function for each matter. Nothing here changes anything that lasts."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tenterhook.cli.server_file import RunningServer, read_server_file
from tenterhook.errors import OperatorError
from tenterhook.settings import Settings
from tenterhook.settings.load import SECRETS
from tenterhook.store import data_dir, sqlite
from tenterhook.store.migrate import HEAD, current

Status = Literal["ok", "warn", "fail"]

#: SQLite before it could lose rows with several writing connections; one writer avoids it, current is better.
GOOD_SQLITE = (3, 51, 3)
LITTLE_DISK, VERY_LITTLE_DISK = 2 * 1024**3, 256 * 1024**2
#: No clock that is right shows a time before this program was written.
WRITTEN = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
LEEWAY_S = 300
#: File systems on which locks or fsync do not keep what the promises rest on.
_REMOTE = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs")


class Finding(NamedTuple):
    """One line of the doctor's report."""

    what: str
    status: Status
    message: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield the findings about everything that *settings* name."""
    data = settings.data_dir
    held = _is_held(data)
    running = read_server_file(data) if held else None
    health = _ask(running)
    yield from _look_at_directory(data)
    yield _look_at_server(data, held, running, health)
    yield from _look_at_files(data, settings)
    yield from _look_at_storage(data, held)
    yield _look_at_disk(data)
    yield _look_at_clock(data)
    yield from _look_at_egress(settings, health)
    yield _look_at_port(settings, running)


def list_settings(settings: Settings) -> Iterator[Finding]:
    """Yield each setting that is not its default, with where its value came from; secrets hidden."""
    for name in Settings.model_fields:
        if settings.origin(name) != "default":
            shown = "(secret)" if name in SECRETS else _written(getattr(settings, name))
            yield Finding("setting", "ok", f"{name} = {shown}, from {settings.origin(name)}")


def _written(value: object) -> str:
    """Return a setting's value as an operator writes it."""
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    return "unlimited" if value is None else str(value)


def _ask(running: RunningServer | None) -> Any:
    from tenterhook.cli.client import health_of

    return None if running is None else health_of(running.url)


def _is_held(data: Path) -> bool:
    """Return whether a process holds the directory's lock. Takes it for a moment to find out, if it can."""
    try:
        handle = os.open(data / data_dir.LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def _existing(path: Path) -> Path:
    """Return *path* or its nearest parent that exists."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _look_at_directory(data: Path) -> Iterator[Finding]:
    place = _existing(data)
    if not place.is_dir():
        yield Finding("directory", "fail", f"{place} is not a directory. Name another with --data.")
        return
    if not os.access(place, os.W_OK | os.X_OK):
        yield Finding("directory", "fail", f"{place} cannot be written by this user. Change its owner, or use --data.")
    elif place != data.absolute():
        yield Finding("directory", "ok", f"{data} will be made at the first start")
    elif place.stat().st_uid != os.geteuid() or place.stat().st_mode & 0o002:
        advice = f"{data} is not this user's own, or others can write to it: chown it, and chmod o-w {data}"
        yield Finding("directory", "fail", f"{advice}. serve refuses it as it is.")
    elif place.stat().st_mode & 0o077:
        yield Finding("directory", "warn", f"{data} is open to other users of this machine: chmod 700 {data}")
    else:
        yield Finding("directory", "ok", f"{data} is this user's alone")
    kind = _file_system(place)
    if kind.startswith(_REMOTE):
        yield Finding("file system", "fail", f"{place} is on {kind}: locks and fsync need a local disk. Use --data.")


def _file_system(place: Path) -> str:
    """Return the type of the file system that holds *place*, "" where the system does not tell (Linux does)."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    except OSError:
        return ""
    inside = [mount for mount in mounts if len(mount) > 2 and place.is_relative_to(mount[1])]
    return max(inside, key=lambda mount: len(mount[1]))[2] if inside else ""


def _look_at_server(data: Path, held: bool, running: RunningServer | None, health: Any) -> Finding:
    if not held:
        return Finding("server", "ok", f"none is running on {data}")
    if running is None:
        return Finding("server", "warn", f"a process holds {data} but does not say where it listens: is it starting?")
    from tenterhook.cli.client import is_ready

    if is_ready(running.url):
        mode = f" in {health['mode']} mode" if isinstance(health, dict) and "mode" in health else ""
        return Finding("server", "ok", f"process {running.pid} answers at {running.url}{mode}")
    return Finding("server", "fail", f"process {running.pid} holds {data} but {running.url}/readyz is not ready.")


def _look_at_files(data: Path, settings: Settings) -> Iterator[Finding]:
    for name in (data_dir.KEY_FILE, data_dir.ADMIN_TOKEN):
        file = data / name
        if not file.exists():
            if name == data_dir.KEY_FILE and (data / data_dir.DATABASE).exists() and not settings.secret_keys:
                advice = (
                    f"{file} is missing: put it back, or set TENTERHOOK_SECRET_KEYS. Secrets cannot be read without."
                )
                yield Finding("key file", "fail", advice)
            continue
        mode = stat.S_IMODE(file.stat().st_mode)
        if not os.access(file, os.R_OK):
            yield Finding(name, "fail", f"{file} cannot be read by this user. Change its owner, or be the right user.")
        elif mode & 0o077 or file.is_symlink():
            what = "is a link" if file.is_symlink() else f"can be read by other users (mode {mode:o})"
            yield Finding(name, "fail", f"{file} {what}, so serve refuses it: make it a file, chmod 600 {file}")
        else:
            yield Finding(name, "ok", f"{file} is readable by this user alone")


def _look_at_storage(data: Path, held: bool) -> Iterator[Finding]:
    place = _existing(data)
    try:
        with tempfile.TemporaryDirectory(prefix=".tenterhook-check-", dir=place) as folder:
            answers = _try_sqlite(Path(folder) / "try.db")
    except (OSError, OperatorError) as error:
        yield Finding("durability", "fail", f"a database cannot be set up in {place}: {error}")
        return
    version = str(answers["sqlite_version"])
    good = tuple(int(number) for number in version.split(".")) >= GOOD_SQLITE
    yield Finding(
        "sqlite", "ok" if good else "warn", f"version {version}" + ("" if good else ": 3.51.3 or newer is better")
    )
    yield Finding(
        "durability", "ok", f"journal_mode={answers['journal_mode']}, synchronous=FULL, read back from a trial database"
    )
    if held:
        yield Finding("database", "ok", "left alone: a server is using it")
    elif (data / data_dir.DATABASE).exists():
        yield _look_at_schema(data)


def _try_sqlite(path: Path) -> dict[str, object]:
    engine = sqlite.engine(path)
    try:
        with engine.connect() as connection:
            return sqlite.prepare(connection)
    finally:
        engine.dispose()


def _look_at_schema(data: Path) -> Finding:
    import apsw
    import sqlalchemy as sa

    directory = data_dir.DataDir(data)
    try:
        directory.open()
        with sqlite.reader(data / data_dir.DATABASE) as connection:
            revision = current(connection)
    except (OperatorError, apsw.Error, sa.exc.SQLAlchemyError) as error:
        return Finding("database", "fail", f"{data / data_dir.DATABASE} cannot be read: {error}")
    finally:
        directory.close()
    if revision is not None and revision > HEAD:
        return Finding(
            "database", "fail", f"schema {revision} is newer than this program's {HEAD}: run the newer version."
        )
    return Finding("database", "ok", f"schema {revision or 'not yet made'}, this program's is {HEAD}")


def _look_at_disk(data: Path) -> Finding:
    state = os.statvfs(_existing(data))
    free = state.f_bavail * state.f_frsize
    text = f"{free / 1024**3:.1f} GiB free"
    if free < VERY_LITTLE_DISK:
        return Finding("disk", "fail", f"{text}: publishing is refused on a full disk. Make room.")
    return Finding("disk", "warn" if free < LITTLE_DISK else "ok", text)


def _look_at_clock(data: Path) -> Finding:
    now = time.time()
    if now < WRITTEN:
        return Finding("clock", "fail", f"it shows {datetime.now(UTC):%Y-%m-%d}: set the clock, or run NTP.")
    newest = max((file.stat().st_mtime for file in data.glob("*")), default=0.0) if data.is_dir() else 0.0
    if newest > now + LEEWAY_S:
        ahead = newest - now
        return Finding("clock", "warn", f"files in {data} are {ahead:.0f} s in the future: was the clock set back?")
    return Finding("clock", "ok", f"it shows {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")


def _look_at_egress(settings: Settings, health: Any) -> Iterator[Finding]:
    mode = health.get("mode") if isinstance(health, dict) else None
    # A server that runs knows best: it may have been started with other options than this command.
    dev = settings.dev if mode is None else mode == "development"
    who = "" if mode is None else "the running server is in "
    if dev:
        text = f"{who}development mode: hooks may use http:// and reach this machine. Never on a server."
        yield Finding("egress", "warn", text)
    for network in settings.egress_allow:
        wide = network.partition("/")[2].partition("]")[0].partition(":")[0] == "0"
        words = (
            "lets hooks reach every private address: name only the networks that receivers are in"
            if wide
            else "allowed"
        )
        yield Finding("egress", "warn" if wide else "ok", f"{network}: {words}")
    if settings.egress_ca_file is not None:
        yield Finding("egress", "ok", f"certificates signed by {settings.egress_ca_file} are trusted too")
    if not settings.egress_allow and not dev:
        yield Finding("egress", "ok", "hooks reach public addresses over https:// only")


def _look_at_port(settings: Settings, running: RunningServer | None) -> Finding:
    from tenterhook.cli.listening_socket import bind

    where = f"{settings.host} port {settings.port}"
    try:
        bind(settings.host, settings.port).close()
    except OperatorError as error:
        if running is not None and running.url.endswith(f":{settings.port}"):
            return Finding("port", "ok", f"{where} is in use by the running server")
        return Finding("port", "fail", str(error))
    return Finding("port", "ok", f"{where} is free")

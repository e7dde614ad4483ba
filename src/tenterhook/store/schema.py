"""The tables. Times are integers: milliseconds since the epoch, UTC. uuids are 16 bytes. org_id leads every index.

What each table promises:

* ``log_event``: the System Log. ``seq`` is explicit, rises in commit order over all orgs, and is never reused.
* ``event_hook``: the living (and deleted) hooks as they are now; ``event_hook_version`` is append-only: what a hook was
  from which ``seq`` on. ``sealed`` holds the secrets, encrypted with the row's identity inside.
* ``inline_hook``: the inline hooks; a deleted one keeps its place in lists for who is reading them, and nothing secret.
  ``definition`` is channel and version, ``hook_key_id`` the key that its channel signs with.
* ``hook_key``: keys that sign for inline hooks. ``modulus`` is the public half (the exponent is 65537 in all of them),
  ``sealed`` the private one, gone when the key is deleted.
* ``delivery``: one request body bound for one hook. ``delivery_event``: which log events it carries; the key lets no
  (hook, event) pair be delivered twice by publishing (``replay`` 0).
* ``attempt``: one HTTP exchange of a delivery.
* ``tally_note``: what ended in one commit, until it is added to ``tally``: how much ended how, by org, hook and span of
  time (a hook_id of no characters: all hooks of the org).
* ``log_span``: what the indexer has put into ``log_text``, a run of consecutive ``seq`` a row; ``log_text`` is the
  full-text index of whole events, by ``seq``. What comes after the last span is found by scanning.
* ``quota``: how many events triggered hooks in an org's window of 24 hours; ``allowed`` is the limit that its held
  deliveries were booked under (null: none).
* ``filter_error``: how often a hook's filter could not be evaluated, the last time, and when the log was told last.
* ``console_session``: which browser is signed in: the SHA-256 of its cookie, and the API token that it stands on.
* ``counter``: the last ``seq`` given, so that retention can never make one come back, and other numbers by name.
"""

from __future__ import annotations

from enum import IntEnum

import sqlalchemy as sa

metadata = sa.MetaData()


class State(IntEnum):
    """What a delivery row is doing. HELD and RETRYING are derived (DESIGN §2.4)."""

    READY = 0  #: waits in the database until due_at, for its hook to be able to take it
    CLAIMED = 1  #: in a lane of the process whose boot id it carries
    DELIVERED = 2
    FAILED = 3


class Queue(IntEnum):
    """Which of a lane's queues a delivery goes through."""

    FIRST = 0
    RETRY = 1
    REPLAY = 2


def _table(name: str, *columns: sa.Column[object] | sa.Index | sa.Constraint, rowid: bool = True) -> sa.Table:
    return sa.Table(name, metadata, *columns, sqlite_with_rowid=rowid)


def _id(name: str, *, primary_key: bool = False, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(20), primary_key=primary_key, nullable=nullable)


def _int(name: str, *, primary_key: bool = False, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, primary_key=primary_key, nullable=nullable, autoincrement=False)


def _rowid(name: str) -> sa.Column[object]:
    # SQLite makes a column its rowid only when the type is spelled INTEGER.
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _text(name: str, *, primary_key: bool = False, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text, primary_key=primary_key, nullable=nullable)


def _blob(name: str, *, primary_key: bool = False, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.LargeBinary, primary_key=primary_key, nullable=nullable)


org = _table("org", _id("id", primary_key=True), _text("name"), _int("created"), _blob("cursor_key"))

admin = _table(
    "admin",
    _id("org_id", primary_key=True),
    _id("id", primary_key=True),
    _text("login"),
    _text("name"),
    _text("role"),
    _int("created"),
    _text("password", nullable=True),
    _int("last_sign_in", nullable=True),
    sa.UniqueConstraint("org_id", "login"),
)

api_token = _table(
    "api_token",
    _id("org_id", primary_key=True),
    _id("id", primary_key=True),
    _id("admin_id"),
    _text("name"),
    _text("role", nullable=True),
    _blob("hash"),
    _text("hint"),
    _int("created"),
    _int("expires", nullable=True),
    _int("revoked", nullable=True),
    _text("scopes", nullable=True),
    _int("last_used", nullable=True),
    _id("issued_by", nullable=True),
    sa.Index("api_token_hash", "hash", unique=True),
)

sign_in_link = _table(
    "sign_in_link",
    _blob("hash", primary_key=True),
    _id("org_id"),
    _id("admin_id"),
    _int("created"),
    _int("expires"),
)

console_session = _table(
    "console_session",
    _blob("hash", primary_key=True),
    _id("org_id"),
    _id("token_id"),
    _int("created"),
    _int("last_seen"),
)

event_type = _table(
    "event_type",
    _id("org_id", primary_key=True),
    _text("name", primary_key=True),
    _text("display_name", nullable=True),
    _text("description", nullable=True),
    _blob("sample", nullable=True),
    _id("created_by"),
    _int("created"),
)


def _hook_columns() -> list[sa.Column[object]]:
    return [
        _int("version"),
        _int("channel_version"),
        _text("status"),
        _text("verification_status"),
        _int("ever_verified"),
        _text("name"),
        _blob("definition"),
        _blob("sealed", nullable=True),
        _text("public_url"),
        _int("last_updated"),
        _int("deleted", nullable=True),
    ]


event_hook = _table(
    "event_hook",
    _id("org_id", primary_key=True),
    _id("id", primary_key=True),
    _int("created"),
    _id("created_by"),
    *_hook_columns(),
    _int("failing_since", nullable=True),
)
_LIVING = event_hook.c.deleted.is_(None)
sa.Index(
    "event_hook_name",
    event_hook.c.org_id,
    event_hook.c.name,
    unique=True,
    sqlite_where=_LIVING,
    postgresql_where=_LIVING,
)

event_hook_version = _table(
    "event_hook_version",
    _id("org_id", primary_key=True),
    _id("hook_id", primary_key=True),
    *[column._copy() for column in _hook_columns() if column.name != "version"],
    _int("version", primary_key=True),
    _int("from_seq"),
)

inline_hook = _table(
    "inline_hook",
    _id("org_id", primary_key=True),
    _id("id", primary_key=True),
    _int("created"),
    _int("revision"),
    _text("status"),
    _text("name"),
    _text("type"),
    _blob("definition"),
    _id("hook_key_id", nullable=True),
    _blob("sealed", nullable=True),
    _int("last_updated"),
    _int("deleted", nullable=True),
)
_INLINE_LIVING = inline_hook.c.deleted.is_(None)
sa.Index(
    "inline_hook_name",
    inline_hook.c.org_id,
    inline_hook.c.name,
    unique=True,
    sqlite_where=_INLINE_LIVING,
    postgresql_where=_INLINE_LIVING,
)

hook_key = _table(
    "hook_key",
    _id("org_id", primary_key=True),
    _id("id", primary_key=True),
    _text("key_id"),
    _text("name"),
    _text("modulus"),
    _blob("sealed", nullable=True),
    _int("created"),
    _int("last_updated"),
    _int("deleted", nullable=True),
    sa.UniqueConstraint("org_id", "key_id"),
)
_KEY_LIVING = hook_key.c.deleted.is_(None)
sa.Index(
    "hook_key_name",
    hook_key.c.org_id,
    hook_key.c.name,
    unique=True,
    sqlite_where=_KEY_LIVING,
    postgresql_where=_KEY_LIVING,
)

log_event = _table(
    "log_event",
    _rowid("seq"),
    _id("org_id"),
    sa.Column("uuid", sa.LargeBinary(16), nullable=False),
    _int("published"),
    _int("recorded_at"),
    _text("event_type"),
    _blob("body"),
)
sa.Index("log_event_uuid", log_event.c.org_id, log_event.c.uuid, unique=True)
sa.Index("log_event_seq", log_event.c.org_id, log_event.c.seq)
sa.Index("log_event_published", log_event.c.org_id, log_event.c.published, log_event.c.seq)

log_span = _table("log_span", _rowid("first_seq"), _int("last_seq"), _int("oldest"), _int("newest"))

#: Contentless: it holds words and where they occur, not the events. The tokens are no promise: a search asks it for
#: candidates and judges each by the event itself. Hyphens part tokens, dots, underscores and @ do not.
LOG_TEXT = (
    "CREATE VIRTUAL TABLE log_text USING fts5(body, content='', contentless_delete=1, detail=none,"
    " tokenize=\"unicode61 remove_diacritics 0 tokenchars '._@'\")"
)
sa.event.listen(log_span, "after_create", sa.DDL(LOG_TEXT).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]

delivery = _table(
    "delivery",
    _rowid("id"),
    _id("org_id"),
    _id("hook_id"),
    sa.Column("event_id", sa.LargeBinary(16), nullable=False),
    _int("hook_version"),
    _text("origin"),
    _int("state"),
    _int("queue"),
    _text("boot", nullable=True),
    _int("attempt_no"),
    _int("step"),
    _int("due_at"),
    _int("created"),
    _int("ended_at", nullable=True),
    _text("end_reason", nullable=True),
    _text("hold", nullable=True),
)
_READY = delivery.c.state == int(State.READY)
_CLAIMED = delivery.c.state == int(State.CLAIMED)
_FAILED = delivery.c.state == int(State.FAILED)
sa.Index("delivery_event_id", delivery.c.org_id, delivery.c.event_id, unique=True)
sa.Index("delivery_hook", delivery.c.org_id, delivery.c.hook_id, delivery.c.id)
sa.Index(
    "delivery_ready",
    delivery.c.org_id,
    delivery.c.hook_id,
    delivery.c.queue,
    delivery.c.due_at,
    delivery.c.id,
    sqlite_where=_READY,
    postgresql_where=_READY,
)
sa.Index("delivery_claimed", delivery.c.boot, delivery.c.id, sqlite_where=_CLAIMED, postgresql_where=_CLAIMED)
sa.Index("delivery_failed", delivery.c.org_id, delivery.c.event_id, sqlite_where=_FAILED, postgresql_where=_FAILED)

delivery_event = _table(
    "delivery_event",
    _id("org_id", primary_key=True),
    _id("hook_id", primary_key=True),
    _int("seq", primary_key=True),
    _int("replay", primary_key=True),
    _int("delivery_id"),
    rowid=False,
)
sa.Index("delivery_event_delivery", delivery_event.c.delivery_id, delivery_event.c.seq)

attempt = _table(
    "attempt",
    _id("org_id", primary_key=True),
    _int("delivery_id", primary_key=True),
    _int("number", primary_key=True),
    _int("started"),
    _text("outcome"),
    _text("reason", nullable=True),
    _int("status", nullable=True),
    _blob("detail"),
    rowid=False,
)

tally_note = _table("tally_note", _rowid("id"), _int("at"), _blob("body"))

tally = _table(
    "tally",
    _id("org_id", primary_key=True),
    _int("grain", primary_key=True),
    _int("start", primary_key=True),
    _id("hook_id", primary_key=True),
    _int("delivered"),
    _int("failed_attempts"),
    _int("ended_failed"),
    _int("timed"),
    _int("total_us"),
    _blob("times"),
    rowid=False,
)

quota = _table(
    "quota",
    _id("org_id", primary_key=True),
    _int("window_start"),
    _int("used"),
    _int("warned"),
    _int("allowed", nullable=True),
)

filter_error = _table(
    "filter_error",
    _id("org_id", primary_key=True),
    _id("hook_id", primary_key=True),
    _int("total"),
    _int("last_at"),
    _text("last_text"),
    _int("told_at"),
)

counter = _table("counter", _text("name", primary_key=True), _int("value"))

"""Tenterhook itself: builds the pipeline from settings, starts and stops it. The only place that knows every part."""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import AsyncExitStack
from hashlib import sha256
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
import structlog

from tenterhook.domain.access_token import parse_issuer
from tenterhook.domain.delivery_policy import DeliveryPolicy
from tenterhook.domain.destination import DestinationError, DestinationRules, parse_allowed_network
from tenterhook.domain.inline.hook import wire
from tenterhook.domain.principal import EMBEDDED, Principal, Role, permissions_of
from tenterhook.domain.timestamp import DAY_MS
from tenterhook.egress.client import Client
from tenterhook.engine.authenticate import Tokens
from tenterhook.engine.deliver import Courier
from tenterhook.engine.found_org import ensure_default_org
from tenterhook.engine.index_log import index_forever
from tenterhook.engine.inline.call import InlineResult, call_inline
from tenterhook.engine.inline.places import Places
from tenterhook.engine.inline.register import create_inline_hook, list_inline_hooks, replace_inline_hook
from tenterhook.engine.inline.switchboard import Switchboard
from tenterhook.engine.issue_token import TokenDraft, create_token
from tenterhook.engine.lanes import Lanes
from tenterhook.engine.pipeline import Limits, Pipeline
from tenterhook.engine.publish import Publishing, PublishResult
from tenterhook.engine.read_access_token import AccessTokens
from tenterhook.engine.rebook import rebook_forever
from tenterhook.engine.recover import heal_forever, recover, resume
from tenterhook.engine.remember_use import remember_uses_forever
from tenterhook.engine.retain import retain_forever
from tenterhook.engine.retire import retire_forever
from tenterhook.engine.sign_in import create_link
from tenterhook.engine.subscriptions import Subscriptions
from tenterhook.engine.tally import tally_forever
from tenterhook.engine.trust_issuer import Issuer, Issuers
from tenterhook.errors import SettingsError
from tenterhook.ids import new_request_id, uuid7, uuid_text
from tenterhook.settings import Settings, load_settings
from tenterhook.store import data_dir, event_hooks, inline_hooks, log_index, quotas
from tenterhook.store.admins import Admin
from tenterhook.store.data_dir import DataDir
from tenterhook.store.database import Database
from tenterhook.store.migrate import migrate
from tenterhook.store.transaction import Tx
from tenterhook.store.vault import Vault, new_key

log = structlog.get_logger(__name__)

#: What a stop may take for requests in flight; with the rest of a stop it stays below the 10 s promised.
STOP_S = 5.0
#: Open files that connections are dealt out from, if the system allows as many: half to the sender's connections.
MAX_FILES = 4096


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Tenterhook:
    """The whole product as one object: what `tenterhook serve` runs, and what an application embeds.

    Use it as an asynchronous context manager, inside the event loop that it shall run on.
    """

    def __init__(self, settings: Settings, *, own_addresses: tuple[tuple[str, int], ...] = ()) -> None:
        self.settings = settings
        self._own_addresses = own_addresses
        self._stack = AsyncExitStack()
        self._pipeline: Pipeline | None = None
        self._publishing: Publishing | None = None
        self._principal: Principal | None = None
        #: Set when the database failed: the process must end and start anew.
        self.failed = asyncio.Event()

    @classmethod
    def at(cls, path: str, **options: object) -> Self:
        """Return a Tenterhook on the data directory *path*, its other settings given by name."""
        return cls(load_settings({"data_dir": path, **options}, {}, None))

    @classmethod
    def from_settings(cls, settings: Settings, *, own_addresses: tuple[tuple[str, int], ...] = ()) -> Self:
        """Return a Tenterhook on loaded *settings*.

        own_addresses: (IP, port) of the sockets that it will be served on: no hook may reach them.
        """
        return cls(settings, own_addresses=own_addresses)

    @property
    def pipeline(self) -> Pipeline:
        """The running pipeline."""
        if self._pipeline is None:
            raise RuntimeError("Tenterhook is not started: use it as `async with Tenterhook(...)`.")
        return self._pipeline

    @property
    def publishing(self) -> Publishing:
        """The way of events into the log."""
        if self._publishing is None:
            raise RuntimeError("Tenterhook is not started: use it as `async with Tenterhook(...)`.")
        return self._publishing

    async def publish(self, *events: dict[str, Any]) -> PublishResult:
        """Publish log events as the default org; returns after the commit.

        Raises: InvalidError, with one problem per field that is wrong; OverloadedError: nothing was stored.
        """
        return await self.publishing.publish(self._caller(), msgspec.json.encode(events))

    async def call_inline(
        self, type: str, data: dict[str, Any], *, request_type: str | None = None, hook_id: str | None = None
    ) -> InlineResult:
        """Ask the default org's active inline hook of *type*, and return what becomes of the process that asks.

        data: ``context`` and what the hook may change; see ``GET /docs`` for what each type has. request_type: for the
        types that have one. hook_id: which of several active hooks; the oldest without it. Takes at most the setting
        inline_timeout_seconds; a failure of the endpoint is a result.
        Raises: InvalidError, with one problem per field that is wrong; NotFoundError: there is no such hook.
        """
        asked = {"type": type, "data": data, "requestType": request_type, "hookId": hook_id}
        # What JSON makes of it, as over the API; so nothing of the caller's is held on to.
        body = msgspec.json.decode(msgspec.json.encode({key: part for key, part in asked.items() if part is not None}))
        return await call_inline(self.pipeline, self._caller(), body)

    async def put_inline_hook(self, document: dict[str, Any]) -> dict[str, Any]:
        """Have the default org's inline hook with the name in *document* be as *document* says; return it.

        document: what POST /api/v1/inlineHooks takes. A hook of this name is replaced (its type and its status stay),
        else one is made, active at once. For applications that bring their hooks along.
        Raises: InvalidError, with one problem per field that is wrong.
        """
        pipeline, caller = self.pipeline, self._caller()
        known = await list_inline_hooks(pipeline, caller)
        same = next((hook for hook in known if hook.name == document.get("name")), None)
        if same is None:
            return wire(await create_inline_hook(pipeline, caller, document), pipeline.public_url)
        _, hook = await replace_inline_hook(pipeline, caller, same.id, document)
        return wire(hook, pipeline.public_url)

    async def sign_in_link(self) -> str:
        """Make a link that signs the default org's first super admin in once, for 15 minutes; return its text.

        Links of theirs that were made before are void. That one signs in by it is logged, that it was made is not.
        """
        principal = self._caller()
        text, _ = await create_link(self.pipeline, principal, principal.admin_id, logged=False)
        return text

    def _caller(self) -> Principal:
        """Return the application that embeds this, as the caller of one request."""
        if self._principal is None:
            raise RuntimeError("Tenterhook is not started: use it as `async with Tenterhook(...)`.")
        return msgspec.structs.replace(self._principal, request_id=new_request_id())

    # -- life ---------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Start no more deliveries, finish or give back what is under way (at most 6 s), and close everything."""
        await self._stack.aclose()

    async def _start(self) -> None:
        settings = self.settings
        directory = DataDir(settings.data_dir)
        directory.open()
        self._stack.callback(directory.close)
        vault = Vault(_secret_keys(settings, directory))
        database = Database(settings.data_dir / data_dir.DATABASE, on_fatal=self._fail)
        self._stack.push_async_callback(database.close)
        boot = uuid_text(uuid7())
        org_admin = database.run_now(lambda tx: _prepare(tx, directory, settings, boot))
        pipeline = self._build(settings, database, vault, boot)
        pipeline.subscriptions.load(database.run_now(lambda tx: event_hooks.every_living(tx, vault)))
        pipeline.active_inline_hooks.load(database.run_now(lambda tx: inline_hooks.every_active(tx, vault)))
        database.start()
        await self._stack.enter_async_context(_running(pipeline))
        self._publishing = Publishing(pipeline)
        self._pipeline = pipeline
        self._principal = Principal(
            org_id=org_admin.org_id,
            admin_id=org_admin.id,
            login=org_admin.login,
            name=org_admin.name,
            token_id=EMBEDDED,
            permissions=permissions_of(Role.SUPER_ADMIN, operator=True),
            role=Role.SUPER_ADMIN,
        )

    def _build(self, settings: Settings, database: Database, vault: Vault, boot: str) -> Pipeline:
        rules = DestinationRules(
            dev=settings.dev,
            allow=tuple(parse_allowed_network(text) for text in settings.egress_allow),
            own_addresses=self._own_addresses,
            own_names=_own_names(settings.public_url),
        )
        subscriptions = Subscriptions()
        files = min(MAX_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        token = settings.bootstrap_token
        bootstrap = sha256(token.get_secret_value().encode()).digest() if token is not None else None
        client = Client(rules, trust=settings.egress_ca_file, max_connections=files // 2)
        public_url = settings.public_url or f"http://{settings.host}:{settings.port}"
        issuers = _issuers(settings, client, rules, public_url)
        switchboard = Switchboard(settings.inline_timeout_seconds, Places(settings.inline_concurrency, files * 3 // 16))
        self._stack.push_async_callback(switchboard.close)
        self._stack.push_async_callback(client.close)
        self._stack.push_async_callback(issuers.close)
        pipeline = Pipeline(
            database=database,
            subscriptions=subscriptions,
            lanes=Lanes(database, subscriptions, boot, _now_ms),
            tokens=Tokens(database, bootstrap),
            client=client,
            vault=vault,
            rules=rules,
            limits=Limits(
                event_hooks=settings.limit_event_hooks,
                event_types=settings.limit_event_types,
                events_per_24h=settings.limit_events_per_24h,
                inline_hooks=settings.limit_inline_hooks,
                hook_keys=settings.limit_hook_keys,
            ),
            default_policy=DeliveryPolicy(
                retry=settings.delivery_retry,
                timeout_seconds=settings.delivery_timeout_seconds,
                max_events_per_request=settings.delivery_max_events_per_request,
                max_concurrency=settings.delivery_max_concurrency,
            ),
            user_agent=settings.user_agent,
            public_url=public_url,
            profile=str(settings.profile),
            dev=settings.dev,
            now_ms=_now_ms,
            log_retention_ms=settings.retention_log_days * DAY_MS,
            attempt_retention_ms=settings.retention_attempt_days * DAY_MS,
            access_tokens=AccessTokens(database, issuers),
            trusted_proxies=settings.trusted_proxies,
            switchboard=switchboard,
        )
        pipeline.lanes.carrier = Courier(pipeline)
        pipeline.lanes.max_in_flight = files // 4
        return pipeline

    def _fail(self, error: BaseException) -> None:
        if self._pipeline is not None:
            self._pipeline.lanes.closing = True  # an outcome could not be written any more
        self.failed.set()


class _running:  # noqa: N801 - used like a function
    """The lanes at work: recovered, healed while they run, and stopped in order."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> None:
        await resume(self._pipeline)
        loops = (
            *(heal_forever, retire_forever, rebook_forever),
            *(retain_forever, index_forever, remember_uses_forever, tally_forever),
        )
        self._tasks = [asyncio.create_task(forever(self._pipeline)) for forever in loops]

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pipeline.lanes.close(STOP_S)


def _prepare(tx: Tx, directory: DataDir, settings: Settings, boot: str) -> Admin:
    """Bring schema and data of this directory to where a start can go on; returns the default org's super admin."""
    migrate(tx)
    if log_index.prepare(tx):
        log.info("the log is indexed anew: its index was another version's")
    _, admin = ensure_default_org(tx, _now_ms())
    booked = quotas.adopt_limit(tx, settings.limit_events_per_24h, _now_ms())
    if booked:
        log.info("the quota of events that trigger hooks has changed", orgs=booked)
    recovered = recover(tx, boot)
    if recovered:
        log.info("deliveries of a former process go on", count=recovered)
    if directory.secret(data_dir.ADMIN_TOKEN) is None:
        token, _ = create_token(tx, admin, TokenDraft("first start", Role.SUPER_ADMIN, None), _now_ms())
        directory.keep_secret(data_dir.ADMIN_TOKEN, token)
    return admin


def _issuers(settings: Settings, client: Client, rules: DestinationRules, public_url: str) -> Issuers:
    """Return the OAuth issuers that the operator trusts. Raises: SettingsError, if one may not be called."""
    found = []
    for text in settings.oauth_issuers:
        try:
            found.append(Issuer(parse_issuer(text), client, rules, settings.user_agent))
        except DestinationError as error:
            name = settings.origin("oauth_issuers")
            raise SettingsError(f"{name}: the address of {text.split()[0][:200]!r} {error}.") from error
    return Issuers(found, settings.oauth_audience or public_url)


def _own_names(public_url: str | None) -> tuple[tuple[str, int], ...]:
    """Return (host, port) of the public URL: a hook that calls it would call us."""
    if public_url is None:
        return ()
    parts = urlsplit(public_url)
    return ((parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)),)


def _secret_keys(settings: Settings, directory: DataDir) -> list[str]:
    if settings.secret_keys:
        return [key.get_secret_value() for key in settings.secret_keys]
    key = directory.secret(data_dir.KEY_FILE)
    if key is None:
        key = new_key()
        directory.keep_secret(data_dir.KEY_FILE, key)
    return [key]

"""Signing in, whichever door somebody stands at: what was given, how often it may be tried, and who it is.

Every try is counted before it is known whether it fails, so that no number of tries at the same time gets past; one
that succeeds is given back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from tenterhook.domain.document import BLANK, Form, Problems
from tenterhook.door.exchange import Exchange
from tenterhook.door.rate_limit import Bucket, Limiter, address_key
from tenterhook.engine import sign_in as engine
from tenterhook.engine.appoint_admin import MAX_LOGIN, MAX_PASSWORD
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import InvalidError, OverloadedError, RateLimitedError
from tenterhook.store.admins import Admin

_ENTITY = "signIn"
_KNOWN = ("login", "password", "org", "link")
#: Passwords of one address that are compared or wait for it, at a time.
AT_ONCE = 2

Opened = TypeVar("Opened")


class Given(NamedTuple):
    """What somebody signs in with: the link, or else the other three."""

    link: str | None = None
    login: str = ""
    password: str = ""
    org_id: str | None = None  #: None: the default org


class Knock:
    """One try to sign in. Make it before what was given is looked at."""

    def __init__(self, pipeline: Pipeline, limiter: Limiter, exchange: Exchange) -> None:
        """Count the knock. Raises: RateLimitedError."""
        self._pipeline = pipeline
        self._limiter = limiter
        self._exchange = exchange
        self._address = address_key(exchange.ip)
        self._guesses: list[tuple[Bucket, str]] = []
        self._knock = self._count(Bucket.FAILURES, self._address)

    async def enter(self, given: Given, opening: Callable[[Admin], Awaitable[Opened]]) -> Opened:
        """Return what *opening* makes of the admin whom *given* signs in.

        Raises: SignInError; RateLimitedError; OverloadedError.
        """
        try:
            opened = await opening(await self._admin_of(given))
        except OverloadedError:
            # Nothing was guessed, but it was a knock all the same: else one address could keep all others waiting.
            self._give_back(self._guesses)
            raise
        self._give_back([self._knock, *self._guesses])
        return opened

    async def _admin_of(self, given: Given) -> Admin:
        pipeline, exchange = self._pipeline, self._exchange
        agent = exchange.facts.user_agent
        visitor = engine.Visitor(exchange.request_id, exchange.ip, None if agent is None else agent.decode("latin-1"))
        if given.link is not None:
            return await engine.redeem_link(pipeline, given.link, visitor)
        org_id = await engine.org_of(pipeline, given.org_id)
        login = f"{org_id}\n{given.login}"
        # By address first, for somebody else's guesses must not keep the right one out; then from wherever, at ten
        # times as many, for guesses may come from many places. But not from where this login has come in lately: it
        # must not be kept out by those.
        here = f"{login}\n{self._address}"
        self._guesses.append(self._count(Bucket.SIGN_INS, here))
        told = exchange.count
        if not self._limiter.trusts(here):
            self._guesses.append(self._count(Bucket.LOGINS, login))
        exchange.count = told
        with _one_of_two(self._limiter, self._address):
            admin = await engine.sign_in_with_password(pipeline, org_id, given.login, given.password, visitor)
        self._limiter.trust(here)
        return admin

    def _count(self, bucket: Bucket, key: str) -> tuple[Bucket, str]:
        standing = self._exchange.count = self._limiter.count(bucket, key)
        if not standing.allowed:
            raise RateLimitedError("")
        return bucket, key

    def _give_back(self, counted: list[tuple[Bucket, str]]) -> None:
        for bucket, key in counted:
            self._limiter.give_back(bucket, key)


def read_given(body: object) -> Given:
    """Return what the JSON object *body* signs in with: ``link``, or ``login``, ``password`` and perhaps ``org``.

    Raises: InvalidError, one problem per field that is wrong.
    """
    if not isinstance(body, dict):
        raise InvalidError(_ENTITY, ["The body must be a JSON object."])
    problems = Problems()
    form = Form(body, "", problems)
    form.refuse_unknown(_KNOWN)
    link = form.text("link", longest=MAX_PASSWORD)
    login = form.text("login", longest=MAX_LOGIN)
    password = form.text("password", longest=MAX_PASSWORD)
    org_id = form.text("org", longest=20)
    if form.raw("link") is not None:
        for key in ("login", "password", "org"):
            if form.raw(key) is not None:
                form.problem(key, "a link says who signs in; leave it out")
    else:
        for key in ("login", "password"):
            if form.raw(key) is None:
                form.problem(key, f"{BLANK}, unless a link is given")
    if problems:
        raise InvalidError(_ENTITY, problems.texts)
    return Given(link, login or "", password or "", org_id)


@contextmanager
def _one_of_two(limiter: Limiter, address: str) -> Iterator[None]:
    """Let an address have two passwords compared at a time: comparing is slow, and only few are for everybody."""
    if limiter.begun[address] >= AT_ONCE:
        raise OverloadedError("passwords from this address are being checked already", 1)
    limiter.begun[address] += 1
    try:
        yield
    finally:
        limiter.begun[address] -= 1
        if not limiter.begun[address]:
            del limiter.begun[address]

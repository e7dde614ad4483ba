"""POST /api/v1/sign-in: from a password, or a one-time link, to a token for 12 hours. The caller needs none before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from tenterhook.api.admins import admin_wire
from tenterhook.api.answers import json_answer
from tenterhook.api.body import read_json
from tenterhook.api.exchange import Exchange, exchange_of
from tenterhook.api.rate_limit import Bucket, Limiter, address_key
from tenterhook.api.tokens import token_wire
from tenterhook.domain.document import BLANK, Form, Problems
from tenterhook.engine import sign_in as engine
from tenterhook.engine.appoint_admin import MAX_LOGIN, MAX_PASSWORD
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import InvalidError, OverloadedError, RateLimitedError
from tenterhook.store.admins import Admin

router = APIRouter(prefix="/api/v1/sign-in", tags=["Admins"])

_ENTITY = "signIn"
_KNOWN = ("login", "password", "org", "link")
#: Passwords of one address that are compared or wait for it, at a time.
AT_ONCE = 2


class _Given(NamedTuple):
    """What somebody signs in with: the link, or else the other three."""

    link: str | None
    login: str
    password: str
    org_id: str | None


@router.post("")
async def sign_in(request: Request) -> Response:
    """Sign an admin in with `login` and `password` (and `org`, unless it is the default one), or with a `link`."""
    pipeline: Pipeline = request.app.state.pipeline
    exchange = exchange_of(request.scope)
    limiter: Limiter = request.app.state.limiter
    # Counted before it is known whether it fails, so that no number of attempts at the same time gets past.
    knock = _count(limiter, exchange, Bucket.FAILURES, address_key(exchange.ip))
    given = _read(await read_json(request))
    guess: list[tuple[Bucket, str]] = []
    try:
        admin = await _admin_of(pipeline, exchange, limiter, given, guess)
        text, token = await engine.open_session(pipeline, admin)
    except OverloadedError:
        # Nothing was guessed, but it was a knock all the same: else one address could keep all others waiting.
        _give_back(limiter, guess)
        raise
    _give_back(limiter, [knock, *guess])
    session = {key: value for key, value in token_wire(token).items() if key in ("id", "role", "expires")}
    return json_answer({"token": text, **session, "org": {"id": admin.org_id}, "admin": admin_wire(admin)})


async def _admin_of(
    pipeline: Pipeline, exchange: Exchange, limiter: Limiter, given: _Given, counted: list[tuple[Bucket, str]]
) -> Admin:
    agent = exchange.facts.user_agent
    visitor = engine.Visitor(exchange.request_id, exchange.ip, None if agent is None else agent.decode("latin-1"))
    if given.link is not None:
        return await engine.redeem_link(pipeline, given.link, visitor)
    org_id, address = await engine.org_of(pipeline, given.org_id), address_key(exchange.ip)
    login = f"{org_id}\n{given.login}"
    # By address first, for somebody else's guesses must not keep the right one out; then from wherever, at ten times
    # as many, for guesses may come from many places.
    counted.append(_count(limiter, exchange, Bucket.SIGN_INS, f"{login}\n{address}"))
    told = exchange.count
    counted.append(_count(limiter, exchange, Bucket.LOGINS, login))
    exchange.count = told
    with _one_of_two(limiter, address):
        return await engine.sign_in_with_password(pipeline, org_id, given.login, given.password, visitor)


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


def _count(limiter: Limiter, exchange: Exchange, bucket: Bucket, key: str) -> tuple[Bucket, str]:
    standing = exchange.count = limiter.count(bucket, key)
    if not standing.allowed:
        raise RateLimitedError("")
    return bucket, key


def _give_back(limiter: Limiter, counted: list[tuple[Bucket, str]]) -> None:
    for bucket, key in counted:
        limiter.give_back(bucket, key)


def _read(body: object) -> _Given:
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
    return _Given(link, login or "", password or "", org_id)

"""Found an org: the tenant itself and its first super admin, to whom all belongs that nobody else made."""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict

from tenterhook import ids
from tenterhook.domain.act import Act
from tenterhook.domain.document import Form, Problems
from tenterhook.domain.principal import Principal, Role
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.errors import InvalidError, NotFoundError
from tenterhook.store import admins, orgs
from tenterhook.store.admins import Admin
from tenterhook.store.orgs import Org
from tenterhook.store.transaction import Tx

DEFAULT_NAME = "default"
FIRST_LOGIN = "admin"
#: What the answers call these things.
ENTITY, KIND = "org", "Org"
MAX_NAME = 100

_READ_ONLY = ("id", "created", "admin", "_links")
_ID = re.compile(rf"{ids.ORG}[A-Za-z0-9]{{17}}", re.ASCII)
_MAX_KNOWN = 10_000


def ensure_default_org(tx: Tx, now_ms: int) -> tuple[Org, Admin]:
    """Return the default org and its first super admin; found them if this is the first start."""
    org = orgs.first(tx)
    if org is None:
        return found_org(tx, DEFAULT_NAME, now_ms)
    admin = admins.first_super_admin(tx, org.id)
    if admin is None:
        admin = _first_admin(org, now_ms)
        admins.insert(tx, admin)
    return org, admin


def found_org(tx: Tx, name: str, now_ms: int) -> tuple[Org, Admin]:
    """Store a new org with its first super admin."""
    org = Org(ids.new_id(ids.ORG), name, now_ms, secrets.token_bytes(32))
    admin = _first_admin(org, now_ms)
    orgs.insert(tx, org)
    admins.insert(tx, admin)
    return org, admin


async def create_org(pipeline: Pipeline, principal: Principal, body: object) -> tuple[Org, Admin]:
    """Found an org of *body* (``name``), and log it in the caller's org and in the new one.

    Raises: InvalidError, also if there is one of this name.
    """
    name = _read_name(body)

    def store(tx: Tx) -> tuple[Org, Admin]:
        if orgs.by_name(tx, name) is not None:
            raise InvalidError(ENTITY, ["name: An org with this name already exists."])
        # Never before the operator's: the first one is.
        first = orgs.first(tx)
        org, admin = found_org(tx, name, max(pipeline.now_ms(), first.created + 1 if first else 0))
        target = {"id": org.id, "type": "Org", "alternateId": "unknown", "displayName": org.name}
        for told in (principal.org_id, org.id):
            act = Act(org_id=told, event_type="tenterhook.org.created", principal=principal, targets=[target])
            record_act(pipeline, tx, act)
        return org, admin

    return await pipeline.database.write(store)


async def list_orgs(pipeline: Pipeline, after: str | None, limit: int) -> list[Org]:
    """Return the orgs, by id."""
    return await pipeline.database.read(lambda tx: orgs.list_all(tx, after, limit))


async def read_org(pipeline: Pipeline, org_id: str) -> tuple[Org, Admin | None]:
    """Return an org and its first super admin. Raises: NotFoundError."""

    def read(tx: Tx) -> tuple[Org, Admin | None] | None:
        org = orgs.get(tx, org_id)
        return None if org is None else (org, admins.first_super_admin(tx, org.id))

    found = await pipeline.database.read(read)
    if found is None:
        raise NotFoundError(org_id, KIND)
    return found


class KnownOrgs:
    """Which orgs there are, as far as it was asked lately. An org that was there stays: none is ever deleted."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()

    async def check(self, pipeline: Pipeline, org_id: str) -> None:
        """Ask the database for an org that was not asked for lately. Raises: NotFoundError."""
        if org_id in self._known:
            return
        if not _ID.fullmatch(org_id):
            raise NotFoundError(org_id, KIND)
        await read_org(pipeline, org_id)
        while len(self._known) >= _MAX_KNOWN:
            self._known.popitem(last=False)
        self._known[org_id] = None


def _read_name(body: object) -> str:
    if not isinstance(body, dict):
        raise InvalidError(ENTITY, ["The body must be a JSON object."])
    problems = Problems()
    form = Form({key: value for key, value in body.items() if key not in _READ_ONLY}, "", problems)
    form.refuse_unknown(("name",))
    name = form.text("name", required=True, longest=MAX_NAME)
    if problems or name is None:
        raise InvalidError(ENTITY, problems.texts)
    return name.strip()


def _first_admin(org: Org, now_ms: int) -> Admin:
    return Admin(org.id, ids.new_id(ids.ADMIN), FIRST_LOGIN, "Administrator", Role.SUPER_ADMIN, now_ms)

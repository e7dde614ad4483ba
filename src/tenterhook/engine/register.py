"""Create, list, read, replace, delete, activate and deactivate event hooks.

Every change is one transaction: the hook, its version, the subscriptions, and the log event that tells of it. Rules
that bind several hooks (names, limits) are judged inside it, so that no race can pass them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tenterhook.domain.act import Act, hook_target
from tenterhook.domain.event_hook import EventHook, Status, created, etag, removed, replaced, switched
from tenterhook.domain.event_hook_draft import DraftRules, parse_draft
from tenterhook.domain.event_type import catalogue
from tenterhook.domain.precondition import Precondition
from tenterhook.domain.principal import Principal
from tenterhook.engine.list_event_types import known_types
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.errors import InvalidError, NotFoundError, PreconditionError
from tenterhook.ids import EVENT_HOOK, new_id
from tenterhook.store import event_hooks, event_types, filter_errors
from tenterhook.store.log_events import next_seq
from tenterhook.store.transaction import Tx

_ID = re.compile(rf"{EVENT_HOOK}[A-Za-z0-9]{{17}}", re.ASCII)
_SWITCHED = {"ACTIVE": "event_hook.activated", "INACTIVE": "event_hook.deactivated"}


async def create_event_hook(pipeline: Pipeline, principal: Principal, body: object) -> EventHook:
    """Make the hook that *body* (decoded JSON) spells: UNVERIFIED, and ACTIVE unless it says otherwise.

    Raises: InvalidError with one cause per problem; nothing is stored then.
    """
    rules = await _draft_rules(pipeline, principal)
    draft = await pipeline.aside.run(principal.org_id, lambda: parse_draft(body, None, rules))
    identity = {
        "id": new_id(EVENT_HOOK),
        "org_id": principal.org_id,
        "created_by": principal.admin_id,
        "public_url": pipeline.public_url,
    }

    def insert(tx: Tx) -> EventHook:
        _refuse_taken_name(tx, principal.org_id, draft.name, None)
        _refuse_gone_types(tx, principal.org_id, draft.events.items)
        hook = created(draft, identity, pipeline.now_ms())
        event_hooks.insert(tx, pipeline.vault, hook, next_seq(tx))
        pipeline.subscriptions.put(tx, hook)
        tell(pipeline, tx, principal, hook, "event_hook.created")
        return hook

    return await pipeline.database.write(insert)


async def list_event_hooks(
    pipeline: Pipeline, principal: Principal, *, after: str | None = None, limit: int | None = None
) -> list[EventHook]:
    """Return the org's hooks, oldest first, after the hook with the id *after*; all of them without a *limit*."""
    return await pipeline.database.read(
        lambda tx: event_hooks.list_of(tx, pipeline.vault, principal.org_id, after, limit)
    )


def known_event_hooks(pipeline: Pipeline, principal: Principal) -> list[EventHook]:
    """Return the org's hooks as last committed, by name: from memory, so that a thousand cost no time."""
    found = [one for one in pipeline.subscriptions.committed.values() if one.org_id == principal.org_id]
    return sorted(found, key=lambda hook: (hook.name.casefold(), hook.id))


async def read_event_hook(pipeline: Pipeline, principal: Principal, hook_id: str) -> EventHook:
    """Return one of the org's hooks. Raises: NotFoundError."""
    return await pipeline.database.read(lambda tx: find(pipeline, tx, principal, hook_id))


async def replace_event_hook(
    pipeline: Pipeline, principal: Principal, hook_id: str, body: object, *, expected: Precondition | None = None
) -> tuple[EventHook, EventHook]:
    """Make the hook what *body* spells, and return it as it was and as it is; see `parse_draft` for what is kept.

    expected: what it has to be like until then.
    Raises: NotFoundError; PreconditionError; InvalidError with one cause per problem, and nothing is stored.
    """
    rules = await _draft_rules(pipeline, principal)
    seen = await pipeline.database.read(lambda tx: find(pipeline, tx, principal, hook_id, expected))
    draft = await pipeline.aside.run(principal.org_id, lambda: parse_draft(body, seen, rules))

    def update(tx: Tx) -> tuple[EventHook, EventHook]:
        current = find(pipeline, tx, principal, hook_id, expected)
        # Read before the transaction, so that a bad body costs the writing thread nothing; again only after a race.
        wanted = draft if current == seen else parse_draft(body, current, rules)
        _refuse_taken_name(tx, principal.org_id, wanted.name, hook_id)
        _refuse_gone_types(tx, principal.org_id, wanted.events.items)
        hook = replaced(current, wanted, public_url=pipeline.public_url, now_ms=pipeline.now_ms())
        _refuse_beyond_limit(pipeline, tx, current, hook)
        keep(pipeline, tx, hook)
        tell(pipeline, tx, principal, hook, "event_hook.updated")
        if hook.status != current.status:
            tell(pipeline, tx, principal, hook, _SWITCHED[hook.status])
        return current, hook

    return await pipeline.database.write(update)


async def delete_event_hook(
    pipeline: Pipeline,
    principal: Principal,
    hook_id: str,
    *,
    deactivate: bool = False,
    expected: Precondition | None = None,
) -> EventHook:
    """Delete an INACTIVE hook for good, and return it as it was last.

    deactivate: an ACTIVE one is deactivated first, in the same transaction.
    Raises: NotFoundError; PreconditionError; InvalidError, while it is ACTIVE and is to stay so.
    """

    def delete(tx: Tx) -> EventHook:
        current = find(pipeline, tx, principal, hook_id, expected)
        if deactivate:
            current = _switch(pipeline, tx, principal, current, "INACTIVE")
        if current.status == "ACTIVE":
            raise InvalidError("eventHook", ["status: An active event hook cannot be deleted. Deactivate it first."])
        hook = removed(current, pipeline.now_ms())
        event_hooks.update(tx, pipeline.vault, hook, next_seq(tx))
        pipeline.subscriptions.remove(tx, hook)
        filter_errors.remove(tx, hook.org_id, hook.id)
        tell(pipeline, tx, principal, hook, "event_hook.deleted")
        return current

    return await pipeline.database.write(delete)


async def switch_event_hook(
    pipeline: Pipeline, principal: Principal, hook_id: str, status: Status, *, expected: Precondition | None = None
) -> EventHook:
    """Make a hook ACTIVE or INACTIVE; one that is so stays as it is.

    Raises: NotFoundError; PreconditionError; InvalidError, at the limit of hooks.
    """

    def switch(tx: Tx) -> EventHook:
        return _switch(pipeline, tx, principal, find(pipeline, tx, principal, hook_id, expected), status)

    return await pipeline.database.write(switch)


def _switch(pipeline: Pipeline, tx: Tx, principal: Principal, current: EventHook, status: Status) -> EventHook:
    hook = switched(current, status, pipeline.now_ms())
    if hook is not current:
        _refuse_beyond_limit(pipeline, tx, current, hook)
        keep(pipeline, tx, hook)
        tell(pipeline, tx, principal, hook, _SWITCHED[status])
    return hook


async def pause_event_hook(
    pipeline: Pipeline, principal: Principal, hook_id: str, paused: bool, *, expected: Precondition | None = None
) -> EventHook:
    """Hold a hook's deliveries back, or let them go again; one that is so stays as it is.

    Raises: NotFoundError; PreconditionError.
    """

    def pause(tx: Tx) -> EventHook:
        current = find(pipeline, tx, principal, hook_id, expected)
        policy = current.delivery_policy
        if policy.paused == paused:
            return current
        hook = current.changed(pipeline.now_ms(), delivery_policy=policy.model_copy(update={"paused": paused}))
        keep(pipeline, tx, hook)
        tell(pipeline, tx, principal, hook, "event_hook.updated")
        return hook

    return await pipeline.database.write(pause)


# ---- what every change of a hook does --------------------------------------------------------------------------------


def find(
    pipeline: Pipeline, tx: Tx, principal: Principal, hook_id: str, expected: Precondition | None = None
) -> EventHook:
    """Return the org's living hook.

    Raises: NotFoundError, also for what is no id at all or another org's; PreconditionError, if it is not as
    *expected*.
    """
    hook = None
    if _ID.fullmatch(hook_id):
        hook = event_hooks.get(tx, pipeline.vault, principal.org_id, hook_id)
    if hook is None:
        raise NotFoundError(hook_id, "Webhook")
    if expected is not None and not expected.allows(etag(hook)):
        raise PreconditionError(
            f"If-Match names another state of this hook than today's, {etag(hook)}. Read it again and repeat your "
            "change."
        )
    return hook


def keep(pipeline: Pipeline, tx: Tx, hook: EventHook) -> None:
    """Store a changed hook; events appended from here on are matched against it."""
    event_hooks.update(tx, pipeline.vault, hook, next_seq(tx))
    pipeline.subscriptions.put(tx, hook)


def tell(
    pipeline: Pipeline,
    tx: Tx,
    principal: Principal,
    hook: EventHook,
    event_type: str,
    *,
    failure: str | None = None,
) -> None:
    """Log what was done with *hook*, in the transaction that does it. failure: why it came to nothing."""
    told = {} if failure is None else {"errorMessage": f'Hook "{hook.name}" execution failed. {failure}'}
    act = Act(
        org_id=hook.org_id,
        event_type=event_type,
        principal=principal,
        targets=[hook_target(hook.id, hook.name)],
        failure=failure,
        debug=told,
    )
    record_act(pipeline, tx, act)


def limit_problem(pipeline: Pipeline, tx: Tx, before: EventHook, after: EventHook) -> str | None:
    """Return the cause if this change would make one more active and verified hook than the org may have."""
    most = pipeline.limits.event_hooks
    if most is None or before.bound or not after.bound or event_hooks.count_bound(tx, after.org_id) < most:
        return None
    return (
        f"status: This org has {most} event hooks that are active and verified, as many as the setting "
        "TENTERHOOK_LIMIT_EVENT_HOOKS allows. Deactivate another one first."
    )


def _refuse_beyond_limit(pipeline: Pipeline, tx: Tx, before: EventHook, after: EventHook) -> None:
    problem = limit_problem(pipeline, tx, before, after)
    if problem is not None:
        raise InvalidError("eventHook", [problem])


def _refuse_gone_types(tx: Tx, org_id: str, items: Sequence[str]) -> None:
    """Refuse types of the org's own that were deleted after the draft was judged."""
    gone = [
        f"events.items[{at}]: '{item}' is no known event type any more"
        for at, item in enumerate(items)
        if item not in catalogue() and event_types.get(tx, org_id, item) is None
    ]
    if gone:
        raise InvalidError("eventHook", gone)


def _refuse_taken_name(tx: Tx, org_id: str, name: str, but: str | None) -> None:
    if event_hooks.name_taken(tx, org_id, name, but=but):
        raise InvalidError("eventHook", ["name: An event hook with this name already exists."])


async def _draft_rules(pipeline: Pipeline, principal: Principal) -> DraftRules:
    known = await pipeline.database.read(lambda tx: known_types(tx, principal.org_id))
    return DraftRules(
        destinations=pipeline.rules,
        event_types=known,
        default_policy=pipeline.default_policy,
        max_event_types=pipeline.limits.event_types,
    )

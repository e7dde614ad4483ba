"""Create, list, read, replace, update, delete, activate and deactivate inline hooks.

Every change is one transaction: the hook, the active hooks in memory, and the log event that tells of it. Rules that
bind several documents (names, limits, the only hook of a type, keys) are judged inside it, so that no race can pass
them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tenterhook.domain.act import Act, inline_hook_target
from tenterhook.domain.inline.channel import InlineRules
from tenterhook.domain.inline.draft import ENTITY, parse_create, parse_replace, parse_update
from tenterhook.domain.inline.hook import InlineDraft, InlineHook, Status, created, etag, replaced, switched
from tenterhook.domain.inline.kind import KINDS
from tenterhook.domain.precondition import Precondition
from tenterhook.domain.principal import Principal
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.errors import InvalidError, NotFoundError, PreconditionError
from tenterhook.ids import INLINE_HOOK, new_id
from tenterhook.store import hook_keys, inline_hooks
from tenterhook.store.transaction import Tx

_ID = re.compile(rf"{INLINE_HOOK}[A-Za-z0-9]{{17}}", re.ASCII)
_SWITCHED = {"ACTIVE": "inline_hook.activated", "INACTIVE": "inline_hook.deactivated"}


async def create_inline_hook(pipeline: Pipeline, principal: Principal, body: object) -> InlineHook:
    """Make the hook that *body* (decoded JSON) spells: ACTIVE, whatever it says.

    Raises: InvalidError with one cause per problem; nothing is stored then.
    """
    rules = await _rules(pipeline, principal)
    draft = await pipeline.aside.run(principal.org_id, lambda: parse_create(body, rules))
    identity = {"id": new_id(INLINE_HOOK), "org_id": principal.org_id}

    def insert(tx: Tx) -> InlineHook:
        hook = created(draft, identity, pipeline.now_ms())
        _judge(pipeline, tx, hook)
        _refuse_beyond_limit(pipeline, tx, hook)
        _refuse_second(pipeline, tx, hook, "type")
        inline_hooks.insert(tx, pipeline.vault, hook)
        pipeline.active_inline_hooks.put(tx, hook)
        _tell(pipeline, tx, principal, hook, "inline_hook.created")
        return hook

    return await pipeline.database.write(insert)


async def list_inline_hooks(
    pipeline: Pipeline,
    principal: Principal,
    *,
    type: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[InlineHook]:
    """Return the org's hooks, oldest first, after the hook with the id *after*; all of them without a *limit*.

    type: only those of it.
    Raises: InvalidError, if *type* is none of the six.
    """
    if type is not None and type not in KINDS:
        raise InvalidError(ENTITY, [f"type: must be {' or '.join(KINDS)}"])
    return await pipeline.database.read(
        lambda tx: inline_hooks.list_of(tx, pipeline.vault, principal.org_id, type, after, limit)
    )


async def read_inline_hook(pipeline: Pipeline, principal: Principal, hook_id: str) -> InlineHook:
    """Return one of the org's hooks. Raises: NotFoundError."""
    return await pipeline.database.read(lambda tx: find(pipeline, tx, principal, hook_id))


async def replace_inline_hook(
    pipeline: Pipeline, principal: Principal, hook_id: str, body: object, *, expected: Precondition | None = None
) -> tuple[InlineHook, InlineHook]:
    """Make the hook what *body* spells, and return it as it was and as it is; see `parse_replace` for what is kept.

    expected: what it has to be like until then. Its status stays as it is.
    Raises: NotFoundError; PreconditionError; InvalidError with one cause per problem, and nothing is stored.
    """
    return await _change(pipeline, principal, hook_id, lambda *read: parse_replace(body, *read), expected)


async def update_inline_hook(
    pipeline: Pipeline, principal: Principal, hook_id: str, body: object, *, expected: Precondition | None = None
) -> tuple[InlineHook, InlineHook]:
    """Change of the hook what *body* spells, and return it as it was and as it is; see `parse_update`.

    expected and what is raised: as in `replace_inline_hook`.
    """
    return await _change(pipeline, principal, hook_id, lambda *read: parse_update(body, *read), expected)


async def delete_inline_hook(
    pipeline: Pipeline, principal: Principal, hook_id: str, *, expected: Precondition | None = None
) -> None:
    """Delete an INACTIVE hook for good.

    Raises: NotFoundError; PreconditionError; InvalidError, while it is ACTIVE.
    """

    def delete(tx: Tx) -> None:
        hook = find(pipeline, tx, principal, hook_id, expected)
        if hook.status == "ACTIVE":
            raise InvalidError(ENTITY, ["status: An active inline hook cannot be deleted. Deactivate it first."])
        inline_hooks.remove(tx, hook.org_id, hook.id, pipeline.now_ms())
        pipeline.active_inline_hooks.remove(tx, hook)
        _tell(pipeline, tx, principal, hook, "inline_hook.deleted")

    await pipeline.database.write(delete)


async def switch_inline_hook(
    pipeline: Pipeline, principal: Principal, hook_id: str, status: Status, *, expected: Precondition | None = None
) -> InlineHook:
    """Make a hook ACTIVE or INACTIVE; one that is so stays as it is.

    Raises: NotFoundError; PreconditionError; InvalidError, if there may be only one active hook of its type.
    """

    def switch(tx: Tx) -> InlineHook:
        current = find(pipeline, tx, principal, hook_id, expected)
        hook = switched(current, status, pipeline.now_ms())
        if hook is not current:
            _refuse_second(pipeline, tx, hook, "status")
            _keep(pipeline, tx, hook)
            _tell(pipeline, tx, principal, hook, _SWITCHED[status])
        return hook

    return await pipeline.database.write(switch)


def find(
    pipeline: Pipeline, tx: Tx, principal: Principal, hook_id: str, expected: Precondition | None = None
) -> InlineHook:
    """Return the org's living hook.

    Raises: NotFoundError, also for what is no id at all or another org's; PreconditionError, if it is not as
    *expected*.
    """
    hook = None
    if _ID.fullmatch(hook_id):
        hook = inline_hooks.get(tx, pipeline.vault, principal.org_id, hook_id)
    if hook is None:
        raise NotFoundError(hook_id, "InlineHook")
    if expected is not None and not expected.allows(etag(hook)):
        raise PreconditionError(
            f"If-Match names another state of this hook than today's, {etag(hook)}. Read it again and repeat your "
            "change."
        )
    return hook


# ---- what changes have in common -------------------------------------------------------------------------------------


async def _change(
    pipeline: Pipeline,
    principal: Principal,
    hook_id: str,
    parse: Callable[[InlineHook, InlineRules], InlineDraft],
    expected: Precondition | None,
) -> tuple[InlineHook, InlineHook]:
    seen = await pipeline.database.read(lambda tx: find(pipeline, tx, principal, hook_id, expected))
    rules = await _rules(pipeline, principal)
    draft = await pipeline.aside.run(principal.org_id, lambda: parse(seen, rules))

    def update(tx: Tx) -> tuple[InlineHook, InlineHook]:
        current = find(pipeline, tx, principal, hook_id, expected)
        # Read before the transaction, so that a bad body costs the writing thread nothing; again only after a race.
        wanted = draft if current == seen else parse(current, rules)
        hook = replaced(current, wanted, pipeline.now_ms())
        _judge(pipeline, tx, hook)
        _keep(pipeline, tx, hook)
        _tell(pipeline, tx, principal, hook, "inline_hook.updated")
        return current, hook

    return await pipeline.database.write(update)


def _keep(pipeline: Pipeline, tx: Tx, hook: InlineHook) -> None:
    inline_hooks.update(tx, pipeline.vault, hook)
    pipeline.active_inline_hooks.put(tx, hook)


def _tell(pipeline: Pipeline, tx: Tx, principal: Principal, hook: InlineHook, event_type: str) -> None:
    act = Act(
        org_id=hook.org_id,
        event_type=event_type,
        principal=principal,
        targets=[inline_hook_target(hook.id, hook.name)],
        debug={"inlineHookType": hook.type},
    )
    record_act(pipeline, tx, act)


def _judge(pipeline: Pipeline, tx: Tx, hook: InlineHook) -> None:
    """Refuse a name that is taken, and a key that was deleted after the draft was judged."""
    if inline_hooks.name_taken(tx, hook.org_id, hook.name, but=hook.id):
        raise InvalidError(ENTITY, ["name: An inline hook with this name already exists."])
    key_id = hook.channel.config.hook_key_id
    if key_id is not None and hook_keys.get(tx, hook.org_id, key_id) is None:
        raise InvalidError(ENTITY, ["channel.config.hookKeyId: names no hook key of this org any more"])


def _refuse_beyond_limit(pipeline: Pipeline, tx: Tx, hook: InlineHook) -> None:
    most = pipeline.limits.inline_hooks
    if most is not None and inline_hooks.count(tx, hook.org_id) >= most:
        told = (
            f"inlineHooks: This org has {most} inline hooks, as many as the setting TENTERHOOK_LIMIT_INLINE_HOOKS "
            "allows. Delete another one first."
        )
        raise InvalidError(ENTITY, [told])


def _refuse_second(pipeline: Pipeline, tx: Tx, hook: InlineHook, field: str) -> None:
    """Refuse an ACTIVE hook beside the one that an org may have of its type. field: what the cause names."""
    kind = KINDS[hook.type]
    if not kind.only_one or hook.status != "ACTIVE":
        return
    for other in inline_hooks.list_of(tx, pipeline.vault, hook.org_id, kind.type):
        if other.id == hook.id or not (other.status == "ACTIVE" or kind.inactive_counts):
            continue
        first = "Delete" if kind.inactive_counts else "Deactivate"
        which = "" if kind.inactive_counts else "active "
        told = f"An org has one {which}hook of the type {kind.type}, and this one has '{other.name}' ({other.id})."
        raise InvalidError(ENTITY, [f"{field}: {told} {first} that one first."])


async def _rules(pipeline: Pipeline, principal: Principal) -> InlineRules:
    keys = await pipeline.database.read(lambda tx: hook_keys.ids(tx, principal.org_id))
    return InlineRules(pipeline.rules, keys)

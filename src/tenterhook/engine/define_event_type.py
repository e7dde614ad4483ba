"""Define event types of an org's own, and delete them again."""

from __future__ import annotations

import msgspec

from tenterhook.domain import log_event
from tenterhook.domain.act import Act
from tenterhook.domain.document import Form, Problems, kind_of
from tenterhook.domain.event_type import MAX_NAME, catalogue, custom_name_problem
from tenterhook.domain.principal import Principal
from tenterhook.engine.list_event_types import ENTITY, KIND, EventTypeView, shown_type
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.record import record_act
from tenterhook.errors import InvalidError, NotFoundError
from tenterhook.ids import uuid7
from tenterhook.store import event_types
from tenterhook.store.event_types import CustomType
from tenterhook.store.transaction import Tx

#: Types of its own that an org may have.
MAX_CUSTOM = 1000
MAX_SAMPLE_BYTES = 64 * 1024
MAX_DISPLAY_NAME = 255
MAX_DESCRIPTION = 1024
#: Hooks that a refusal names.
MAX_NAMED = 5

_KNOWN = ("name", "displayName", "description", "sample")
_READ_ONLY = ("eligible", "group", "custom", "release", "created")


async def define_event_type(pipeline: Pipeline, principal: Principal, body: object) -> EventTypeView:
    """Make the type that *body* spells: ``name``, and if wanted ``displayName``, ``description`` and ``sample``.

    sample: a log event of this type, at most `MAX_SAMPLE_BYTES`; its uuid and time are made anew whenever it is shown.
    Raises: InvalidError with one cause per problem; also if the org has the type, or `MAX_CUSTOM` of them.
    """
    made = _read(body, principal, pipeline.now_ms())

    def store(tx: Tx) -> EventTypeView:
        if event_types.get(tx, principal.org_id, made.name) is not None:
            raise InvalidError(ENTITY, ["name: An event type with this name already exists."])
        if event_types.count(tx, principal.org_id) >= MAX_CUSTOM:
            raise InvalidError(ENTITY, [f"name: This org has {MAX_CUSTOM:,} event types of its own; delete one first"])
        event_types.insert(tx, made)
        _tell(pipeline, tx, principal, made, "tenterhook.event_type.created")
        return shown_type(pipeline, tx, principal.org_id, made.name)

    return await pipeline.database.write(store)


async def delete_event_type(pipeline: Pipeline, principal: Principal, name: str) -> None:
    """Delete a type of the org's own; what was logged of it stays.

    Raises: NotFoundError; InvalidError for a type of the catalogue, or while a living hook subscribes to it.
    """
    if name in catalogue():
        raise InvalidError(ENTITY, [f"name: '{name}' belongs to the catalogue and cannot be deleted"])

    def delete(tx: Tx) -> None:
        made = event_types.get(tx, principal.org_id, name)
        if made is None:
            raise NotFoundError(name, KIND)
        living = pipeline.subscriptions.snapshot.hooks.values()
        asking = [hook.name for hook in living if hook.org_id == principal.org_id and hook.wants(name)]
        if asking:
            named = ", ".join(repr(hook) for hook in sorted(asking)[:MAX_NAMED])
            more = f" and {len(asking) - MAX_NAMED:,} more" if len(asking) > MAX_NAMED else ""
            raise InvalidError(ENTITY, [f"name: Event hooks subscribe to it: {named}{more}. Change them first."])
        event_types.delete(tx, principal.org_id, name)
        _tell(pipeline, tx, principal, made, "tenterhook.event_type.deleted")

    await pipeline.database.write(delete)


def _tell(pipeline: Pipeline, tx: Tx, principal: Principal, made: CustomType, event_type: str) -> None:
    target = {"id": made.name, "type": KIND, "alternateId": made.name, "displayName": made.display_name}
    record_act(pipeline, tx, Act(org_id=made.org_id, event_type=event_type, principal=principal, targets=[target]))


def _read(body: object, principal: Principal, now_ms: int) -> CustomType:
    if not isinstance(body, dict):
        raise InvalidError(ENTITY, [f"body: must be a JSON object, not {kind_of(body)}"])
    problems = Problems()
    form = Form({key: value for key, value in body.items() if key not in _READ_ONLY}, "", problems)
    form.refuse_unknown(_KNOWN)
    # As long as can be: the rule for names tells better what is wrong.
    name = form.text("name", required=True, longest=10 * MAX_NAME)
    wrong = None if name is None else custom_name_problem(name)
    if wrong is not None:
        form.problem("name", wrong)
    display_name = form.text("displayName", longest=MAX_DISPLAY_NAME)
    description = form.text("description", longest=MAX_DESCRIPTION, breaks=True)
    sample = _read_sample(form, name, now_ms)
    if problems or name is None:
        raise InvalidError(ENTITY, problems.texts)
    return CustomType(
        org_id=principal.org_id,
        name=name,
        display_name=(display_name or "").strip() or None,
        description=description,
        created_by=principal.admin_id,
        created=now_ms,
        sample=sample,
    )


def _read_sample(form: Form, name: str | None, now_ms: int) -> bytes | None:
    given = form.raw("sample")
    if given is None or name is None:
        return None
    if not isinstance(given, dict):
        form.problem("sample", f"must be an object, not {kind_of(given)}")
        return None
    if given.get("eventType") not in (None, name):
        form.problem("sample.eventType", f"must be '{name[:MAX_NAME]}', or left out")
        return None
    # Its identity and time are those of the moment it is shown.
    kept = {key: value for key, value in given.items() if key not in ("uuid", "published")} | {"eventType": name}
    raw = msgspec.json.encode(kept)
    if len(raw) > MAX_SAMPLE_BYTES:
        form.problem("sample", f"must be at most {MAX_SAMPLE_BYTES:,} bytes, it has {len(raw):,}")
        return None
    read = log_event.read_event(raw, now_ms, uuid7(), "sample")
    for problem in read if isinstance(read, list) else ():
        where, _, what = problem.partition(": ")
        if where != "eventType":  # that is the name's problem, told above
            form.problem(f"sample.{where}".rstrip("."), what)
    return raw

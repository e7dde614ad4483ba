"""Reading what an endpoint answered to an inline call, strictly.

Keys that the contract does not have are let pass at the top and in ``error``; inside commands they are refused, because
a slip there would change what is done. Null is the same as absent everywhere the contract has a key.
Source: okta/inline-hooks.md §3, §4, §6; security checks 137-152.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

import msgspec

from tenterhook.domain.document import BLANK, Form, Problems, kind_of
from tenterhook.domain.inline.decision import Command, Question, Reply, Unusable
from tenterhook.domain.inline.kind import InlineKind
from tenterhook.domain.inline.language import COMMAND_TYPES, LANGUAGES
from tenterhook.domain.inline.shape import Reader
from tenterhook.domain.inline.wording import plain
from tenterhook.domain.log_event import Tree
from tenterhook.domain.strict_json import StrictJsonError, loads

MAX_REPLY_BYTES = 256 * 1024
MAX_SUMMARY = 1_000
MAX_CAUSES = 50
#: Bytes of debugContext as JSON that are kept.
MAX_DEBUG_BYTES = 16 * 1024
#: Beside the entries that were kept, if some were not.
TRUNCATED = "debugContextTruncated"
CAUSE_FIELDS = ("errorSummary", "reason", "locationType", "location", "domain")
#: Problems that a text names, and its characters: it is read by people.
MAX_NAMED, MAX_WHY = 3, 1_000

_encode = msgspec.json.Encoder().encode
_PLACE = re.compile(r"at line (\d+), column (\d+)")


def read_reply(question: Question, status: int, body: bytes, complete: bool) -> Reply | Unusable:
    """Return what the answer with *status* and *body* says, or why it cannot be used.

    complete: whether *body* is the whole of it. 204 is a reply without commands, for the types that have it; any other
    2xx must be a JSON object. Never raises, whatever the body is.
    """
    if not 200 <= status <= 299:
        return _unusable(_explain_status(status))
    if status == 204:
        if question.kind.allows_204:
            return Reply()
        return _unusable(f"The endpoint answered 204, which says nothing; {_wanted(question.kind)}.")
    if not complete or len(body) > MAX_REPLY_BYTES:
        return _unusable(f"The answer was cut off: it must be whole, and at most {MAX_REPLY_BYTES // 1024} KiB.")
    if not body.strip():
        instead = "answer 204 for no commands" if question.kind.allows_204 else _wanted(question.kind)
        return _unusable(f"The endpoint answered {status} with an empty body; {instead}.")
    try:
        value = loads(body)
    except StrictJsonError as error:
        return _explain_text(status, error)
    if not isinstance(value, dict):
        return _unusable(f"The endpoint answered {kind_of(value)} instead of a JSON object.")
    return _read(question, value)


def read_commands(form: Form, kind: InlineKind, request_type: str | None) -> tuple[Command, ...]:
    """Return the commands of *form*, noting what is wrong with them for hooks of *kind*."""
    shapes = LANGUAGES[kind.type].shapes(request_type)
    commands = []
    for given in form.forms("commands"):
        given.refuse_unknown(("type", "value"))
        command = _read_command(given, shapes)
        if command is not None:
            commands.append(command)
    return tuple(commands)


def read_error(form: Form) -> Tree | None:
    """Return the ``error`` of *form* with the contract's fields alone, fit to be shown; None if there is none."""
    error = form.form("error")
    if error is None:
        return None
    made: Tree = {}
    summary = _text(error, "errorSummary")
    if summary:
        made["errorSummary"] = summary
    causes = [
        {key: said for key in CAUSE_FIELDS if (said := _text(cause, key))} for cause in error.forms("errorCauses")
    ]
    return made | {"errorCauses": causes[:MAX_CAUSES]}


def _read(question: Question, value: Tree) -> Reply | Unusable:
    problems = Problems()
    form = Form(value, "", problems)
    error = read_error(form)
    # With an error no command is executed, so none needs to be right.
    commands = read_commands(form, question.kind, question.request_type) if form.raw("error") is None else ()
    debug_context = form.form("debugContext")
    if problems:
        return _unusable(_explain(problems))
    return Reply(commands, error, None if debug_context is None else _capped(value["debugContext"]))


def _read_command(form: Form, shapes: dict[str, Reader]) -> Command | None:
    name, value = form.raw("type"), form.raw("value")
    if not isinstance(name, str):
        form.problem("type", BLANK if name is None else f"must be a string, not {kind_of(name)}")
    elif name not in shapes:
        # Only the first: a look for what was meant takes a fraction of a millisecond, and there may be thousands.
        form.problem("type", _unknown(name, shapes, suggest=not form.problems))
    elif value is None:
        form.problem("value", BLANK)
    else:
        return Command(name, shapes[name](value, form.path("value"), form.problems))
    return None


def _unknown(name: str, shapes: dict[str, Reader], *, suggest: bool) -> str:
    shown = repr(plain(name, 64))
    allowed = f"hooks of this type may answer {', '.join(shapes)}"
    if name in COMMAND_TYPES:
        return f"{shown} is no command of this hook; {allowed}"
    guess = get_close_matches(name, list(shapes), 1, 0.7) if suggest and len(name) <= 128 else []
    return f"{shown} is no command; " + (f"did you mean '{guess[0]}'?" if guess else allowed)


def _text(form: Form, key: str) -> str | None:
    value = form.raw(key)
    if value is None or isinstance(value, str):
        return None if value is None else plain(value, MAX_SUMMARY).strip()
    form.problem(key, f"must be a string, not {kind_of(value)}")
    return None


def _capped(context: Tree) -> Tree:
    """Return *context*, or as many of its first entries as are within the cap, and that there were more."""
    if len(_encode(context)) <= MAX_DEBUG_BYTES:
        return context
    kept: Tree = {}
    left = MAX_DEBUG_BYTES - 1
    for key, value in context.items():
        left -= len(_encode(key)) + len(_encode(value)) + 2
        if left < 0:
            break
        kept[key] = value
    return {**kept, TRUNCATED: True}


def _explain(problems: Problems) -> str:
    texts = problems.texts
    more = f"; and {len(texts) - MAX_NAMED} more" if len(texts) > MAX_NAMED else ""
    return f"The reply is not as the contract has it: {'; '.join(texts[:MAX_NAMED])}{more}"


def _explain_status(status: int) -> str:
    if 300 <= status < 400:
        return f"The endpoint answered {status}, a redirect; redirects are not followed."
    return f"The endpoint answered {status}; only 200 with commands or an error, or 204, is an answer."


def _explain_text(status: int, error: StrictJsonError) -> Unusable:
    place = _PLACE.search(str(error))
    message = "Could not deserialize inline hook response"
    if place is not None:
        message += f" due to error at Line {place[1]} Column {place[2]}"
    why = f"The endpoint answered {status} with something that is no strict JSON: {error}"
    return Unusable(plain(why, MAX_WHY), message if place is not None else plain(f"{message}: {error}", MAX_WHY))


def _wanted(kind: InlineKind) -> str:
    commands = LANGUAGES[kind.type].shapes(kind.request_types[0] if kind.request_types else None)
    return f"answer 200 with the command {' or '.join(commands)}"


def _unusable(why: str) -> Unusable:
    shown = plain(why, MAX_WHY)
    return Unusable(shown, shown.rstrip("."))

"""How a hook's deliveries are made: the one key that Tenterhook adds to an event hook."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from tenterhook.domain.document import Form, as_number, kind_of
from tenterhook.domain.retry import RETRY_WORDS, RetryPolicy, custom_policy, named_policy, policy_names

MAX_WAITS = 20
MAX_WAIT_S = 604_800  #: a week
MAX_EVENTS_PER_REQUEST = 1_000
MAX_CONCURRENCY = 256
MAX_TIMEOUT_S = 30

_KEYS = ("retry", "timeoutSeconds", "maxEventsPerRequest", "maxConcurrency", "paused")
_LATER = ("maxPerSecond", "ordered", "sign", "format")


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class CustomRetry(_Document):
    """A retry policy that spells out its waits and causes."""

    waits_seconds: tuple[float, ...]
    retry_on: tuple[str, ...]  #: words of `RETRY_WORDS`


class DeliveryPolicy(_Document):
    """How deliveries are batched, timed, retried, and whether they go out at all."""

    retry: str | CustomRetry
    timeout_seconds: float = 3.0  #: the total deadline of one attempt
    max_events_per_request: int = 100
    max_concurrency: int = 16
    paused: bool = False  #: whether deliveries are held

    @property
    def retry_policy(self) -> RetryPolicy:
        """The policy that `retry` names or spells out."""
        if isinstance(self.retry, str):
            return named_policy(self.retry)
        return custom_policy(self.retry.waits_seconds, self.retry.retry_on)

    def wire(self) -> dict[str, Any]:
        """Return the JSON object that the API shows."""
        retry: object = self.retry
        if isinstance(self.retry, CustomRetry):
            waits = [_plain(wait) for wait in self.retry.waits_seconds]
            retry = {"waitsSeconds": waits, "retryOn": list(self.retry.retry_on)}
        return {
            "retry": retry,
            "timeoutSeconds": _plain(self.timeout_seconds),
            "maxEventsPerRequest": self.max_events_per_request,
            "maxConcurrency": self.max_concurrency,
            "paused": self.paused,
        }


def read_delivery_policy(form: Form | None, current: DeliveryPolicy) -> DeliveryPolicy:
    """Return *current* with the parts that *form* gives; None leaves it as it is. Problems are noted in the form."""
    if form is None:
        return current
    form.refuse_unknown(_KEYS, _LATER)
    found = {
        "retry": _read_retry(form),
        "timeout_seconds": form.number("timeoutSeconds", 1, MAX_TIMEOUT_S),
        "max_events_per_request": form.whole("maxEventsPerRequest", 1, MAX_EVENTS_PER_REQUEST),
        "max_concurrency": form.whole("maxConcurrency", 1, MAX_CONCURRENCY),
        "paused": form.flag("paused"),
    }
    return current.model_copy(update={name: value for name, value in found.items() if value is not None})


def _plain(number: float) -> float | int:
    return int(number) if number == int(number) else number


def _read_retry(form: Form) -> str | CustomRetry | None:
    if not form.has("retry"):
        return None
    if not isinstance(form.raw("retry"), dict):
        return _read_named(form)
    custom = form.form("retry")
    assert custom is not None
    custom.refuse_unknown(("waitsSeconds", "retryOn"))
    waits, words = _read_waits(custom), _read_words(custom)
    return CustomRetry(waits_seconds=waits, retry_on=words)


def _read_named(form: Form) -> str | None:
    value = form.raw("retry")
    if isinstance(value, str) and value in policy_names():
        return value
    shown = repr(value) if isinstance(value, str) and len(value) <= 64 else kind_of(value)
    names = ", ".join(sorted(policy_names()))
    form.problem("retry", f'must be one of {names} or {{"waitsSeconds": […], "retryOn": […]}}, not {shown}')
    return None


def _read_waits(custom: Form) -> tuple[float, ...]:
    given = custom.array("waitsSeconds", required=True) or []
    if len(given) > MAX_WAITS:
        custom.problem("waitsSeconds", f"must hold at most {MAX_WAITS} waits, there are {len(given):,}")
        return ()
    waits: list[float] = []
    for index, value in enumerate(given):
        wait = as_number(value)
        if wait is None or not 0 <= wait <= MAX_WAIT_S:
            custom.problem(f"waitsSeconds[{index}]", f"must be a number of seconds from 0 to {MAX_WAIT_S:,} (a week)")
        else:
            waits.append(float(wait))
    return tuple(waits)


def _read_words(custom: Form) -> tuple[str, ...]:
    given = custom.array("retryOn", required=True) or []
    words: dict[str, None] = {}
    for index, value in enumerate(given):
        if isinstance(value, str) and value in RETRY_WORDS:
            words[value] = None
        else:
            custom.problem(f"retryOn[{index}]", f"must be one of {', '.join(RETRY_WORDS)}")
    return tuple(words)

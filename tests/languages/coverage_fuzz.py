"""Fuzz the languages that people write, guided by coverage: for machines where atheris installs; not part of the suite.

    pip install atheris
    python tests/languages/coverage_fuzz.py -max_total_time=60

Any exception but the typed refusals is a finding, and libFuzzer prints the input that made it.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["tenterhook.domain", "lark"]):
    from tenterhook.domain.filter_ast import holds
    from tenterhook.domain.hook_filter import HookFilterError, parse_hook_filter
    from tenterhook.domain.keyword import keyword_problem, mentions, parse_keywords
    from tenterhook.domain.log_filter import parse_log_filter
    from tenterhook.domain.verdict import HookFilter
    from tenterhook.errors import QueryError

EVENT = {
    "uuid": "0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10",
    "eventType": "user.session.start",
    "actor": {"id": "00u1", "type": "User", "alternateId": "ann@example.com", "displayName": None},
    "outcome": {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"},
    "target": [{"id": "00g1", "type": "UserGroup", "displayName": "Sales"}, {"id": None, "type": "User"}],
    "debugContext": {"debugData": {"changedAttributes": "email,login", "n": 7}},
}


def look(data: bytes) -> None:
    """Read *data* as each of the languages, and evaluate what can be read."""
    text = atheris.FuzzedDataProvider(data).ConsumeUnicodeNoSurrogates(4200)
    try:
        holds(parse_log_filter(text), EVENT)
    except QueryError:
        pass
    try:
        parse_hook_filter(text)
    except HookFilterError:
        pass
    else:
        HookFilter(text).judge(EVENT)
    if keyword_problem(text) is None:
        mentions(parse_keywords(text), EVENT)


if __name__ == "__main__":
    atheris.Setup(sys.argv, look)
    atheris.Fuzz()

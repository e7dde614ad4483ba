"""How events are read from files."""

from __future__ import annotations

import io
import json
from uuid import UUID

import pytest

from tenterhook.cli.event_file import FileEvent, batches, derive_uuid, read_events
from tenterhook.cli.failure import CommandError


def read(text: str | bytes, *, fresh: bool = False) -> list[FileEvent]:
    raw = text.encode() if isinstance(text, str) else text
    return list(read_events(io.BytesIO(raw), fresh=fresh))


def types(events: list[FileEvent]) -> list[str]:
    return [json.loads(event.raw)["eventType"] for event in events]


FORMS = {
    "ndjson": '{"eventType":"a"}\n{"eventType":"b"}\n',
    "ndjson without a last newline": '{"eventType":"a"}\n{"eventType":"b"}',
    "ndjson with blank lines": '\n{"eventType":"a"}\n\n\r\n{"eventType":"b"}\n\n',
    "array on one line": '[{"eventType":"a"},{"eventType":"b"}]',
    "array over lines": '\n[\n  {"eventType":"a"} ,\n  {\n "eventType":"b"}\n]\n',
    "byte order mark": '\ufeff{"eventType":"a"}\n{"eventType":"b"}\n',
}


@pytest.mark.parametrize("form", FORMS)
def test_events_are_read_from_every_form(form: str) -> None:
    assert types(read(FORMS[form])) == ["a", "b"]


def test_one_object_over_several_lines_is_one_event() -> None:
    assert types(read('{\n "eventType": "a"\n}\n')) == ["a"]


@pytest.mark.parametrize("text", ["", "\n \n", "[]", "[ ]\n"])
def test_nothing_is_no_event(text: str) -> None:
    assert read(text) == []


def test_the_line_of_each_event_is_known() -> None:
    assert [event.line for event in read(FORMS["ndjson with blank lines"])] == [2, 5]
    assert [event.line for event in read(FORMS["array over lines"])] == [3, 4]


def test_an_event_with_a_uuid_is_passed_on_byte_for_byte() -> None:
    raw = '{"uuid" :"f1d0b993-cc19-11ed-a688-db22c99ef6c4",  "eventType":"a", "n": 1.10}'
    assert read(raw)[0].raw == raw.encode()
    assert not read(raw)[0].derived


def test_a_derived_uuid_leaves_every_other_byte_as_it_was() -> None:
    event = read('{ "eventType":"a", "n": 1.10}')[0]
    assert event.raw.endswith(b' "eventType":"a", "n": 1.10}')
    assert event.derived
    assert UUID(json.loads(event.raw)["uuid"]).version == 8


def test_the_same_file_gives_the_same_uuids() -> None:
    assert read(FORMS["ndjson"]) == read(FORMS["ndjson"])


def test_equal_lines_are_different_events() -> None:
    first, second = read('{"eventType":"a"}\n{"eventType":"a"}\n')
    assert json.loads(first.raw)["uuid"] != json.loads(second.raw)["uuid"]


def test_a_uuid_of_null_is_replaced_and_an_empty_object_gets_one() -> None:
    assert json.loads(read('{"uuid":null,"eventType":"a"}')[0].raw)["uuid"]
    assert list(json.loads(read("{}")[0].raw)) == ["uuid"]


def test_fresh_events_get_no_uuid() -> None:
    assert read('{"eventType":"a"}', fresh=True)[0].raw == b'{"eventType":"a"}'


def test_derived_uuids_ascend_with_the_time_of_the_events() -> None:
    times = ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z", "2026-06-01T00:00:00Z"]
    uuids = [derive_uuid(b"{}", 9 - number, time) for number, time in enumerate(times)]
    assert uuids == sorted(uuids)


BROKEN = {
    "a line that is not JSON": ('{"eventType":"a"}\n{"eventType":\n', "line 2: is not JSON"),
    "a first line that is not JSON": ("hello\n", "line 1: is not JSON"),
    "a line that is no object": ('{"eventType":"a"}\n[1]\n', "line 2: is not an event"),
    "an array of numbers": ("[1]", "line 1, event 1 of the array: is not an event"),
    "an array that is cut off": ('[{"eventType":"a"},\n', "the file seems to be cut off"),
    "an array without a comma": ('[{"eventType":"a"} {"eventType":"b"}]', "the array is not closed"),
    "something after the array": ('[{"eventType":"a"}]\nx', "line 1: something follows"),
    "bytes that are not UTF-8": (b'{"eventType":"a"}\n{"eventType":"\xff"}\n', "line 2: is not UTF-8"),
    "an array that is not UTF-8": (b'[\n{"eventType":"\xff"}]', "line 2: is not UTF-8"),
    "nesting without end": ("[" * 100_000, "line 1: is not JSON: is nested too deeply"),
    "an event that is too large": ('{"eventType":"a"}\n{"a":"%s"}\n' % ("x" * 300_000), "line 2: the event exceeds"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_event_is_named_by_its_line(case: str) -> None:
    text, told = BROKEN[case]
    with pytest.raises(CommandError, match=told):
        read(text)


def test_batches_keep_to_the_limits_of_the_api() -> None:
    small = [FileEvent(n, n, b"{}", derived=False) for n in range(2500)]
    assert [len(batch) for batch in batches(small)] == [1000, 1000, 500]
    large = [FileEvent(n, n, b"x" * 250_000, derived=False) for n in range(100)]
    sizes = [sum(len(event.raw) + 1 for event in batch) + 1 for batch in batches(large)]
    assert max(sizes) <= 8 * 1024 * 1024
    assert len(sizes) == 4

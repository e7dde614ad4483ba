"""JSON from outside: security checks 137-148, against the reader itself."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenterhook.domain.strict_json import MAX_DEPTH, MAX_NODES, StrictJsonError, loads, reload

#: row of the checklist (and a letter), the bytes, a word of the answer
REFUSED: list[tuple[str, bytes, str]] = [
    ("137a", b"[" * 100_000, "nested"),
    ("137b", b'{"a":' * 100_000, "nested"),
    ("137c", b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested"),
    # An unterminated string full of escaped quotes: a scan that begins anew at each of them would take minutes.
    ("137d", b"[" * 40 + b'"' + b'\\"' * 120_000, "nested"),
    ("137e", b"[" * 20 + b"{" * 20 + b'"' + b'\\"' * 120_000, ""),
    ("138a", b"1" * 4_301, "digits"),
    ("138b", b"1" * 1_000_000, "digits"),
    ("138c", b"-" + b"1" * 4_301, "digits"),
    ("138d", b"0." + b"1" * 1_000_000, "digits"),
    ("138e", b"1e" + b"9" * 1_000_000, "digits"),
    ("139a", b"1e400", "finite"),
    ("139b", b"-1e400", "finite"),
    ("139c", b"1e999999999", "finite"),
    ("139d", b"NaN", "not a JSON number"),
    ("139e", b"[Infinity]", "not a JSON number"),
    ("139f", b'{"a":-Infinity}', "not a JSON number"),
    ("141a", b'{"a":1,"a":2}', "twice"),
    ("141b", b'{"x":{"uuid":"1","uuid":"1"}}', "twice"),
    ("141c", b'{"eventType":"a","\\u0065ventType":"b"}', "twice"),
    ("142a", b'"\\ud800"', "surrogate"),
    ("142b", b'{"\\udc00":1}', "surrogate"),
    ("142c", b'["\\ud83d", "\\ude00"]', "surrogate"),
    ("143", b'"\xed\xa0\x80"', "UTF-8"),
    ("145a", b'"\xff"', "UTF-8"),
    ("145b", b'"\xc0\xaf"', "UTF-8"),
    ("145c", b'"\xf4\x90\x80\x80"', "UTF-8"),
    ("146a", b"\xef\xbb\xbf{}", ""),
    ("146b", "{}".encode("utf-16"), "UTF-8"),
    ("146c", "{}".encode("utf-16-le"), ""),
    ("146d", "{}".encode("utf-32"), "UTF-8"),
    ("146e", "{}".encode("utf-32-be"), ""),
    ("147a", b"{} {}", ""),
    ("147b", b"[1,]", ""),
    ("147c", b'{"a":1,}', ""),
    ("147d", b"{} // no", ""),
    ("147e", b"/* no */ {}", ""),
    ("147f", b"{'a':1}", ""),
    ("147g", b"01", ""),
    ("147h", b"0x10", ""),
    ("147i", b'"a\tb"', ""),
    ("147j", b"", ""),
    ("147k", b"\xc2\xa0{}", ""),
    ("147l", b"+1", ""),
    ("147m", b".5", ""),
    ("147n", b"1.", ""),
    ("147o", b"True", ""),
    ("147p", b'"a', ""),
    ("147q", b'"\\x41"', ""),
    ("147r", b'"\\u12"', ""),
    ("147s", b"\x0c{}", ""),
    ("148a", b"[" + b"1," * MAX_NODES + b"1]", "parts"),
    ("148b", json.dumps({f"k{at}": at for at in range(100_000)}).encode(), "parts"),
    ("148c", b'{"' + b"k" * 1_000_000 + b'":1}', "longer than 256 bytes"),
    ("148d", '{"{}":1}'.replace("{}", "ä" * 129).encode(), "longer than 256 bytes"),
    ("148e", b" " * 5_000_000, ""),
    ("148f", b"[" + b'",",' * 5 + b"{}," * MAX_NODES + b"1]", "parts"),
]


@pytest.mark.parametrize(("row", "data", "word"), REFUSED, ids=[row for row, _, _ in REFUSED])
def test_what_parsers_differ_on_is_refused_in_one_sentence(row: str, data: bytes, word: str) -> None:
    with pytest.raises(StrictJsonError) as caught:
        loads(data)
    assert word in str(caught.value)
    assert len(str(caught.value)) < 200
    str(caught.value).encode()


def nested(levels: int, beside: int = 0) -> bytes:
    """Return an object that is so deep, with so many flat ones in it, as compact as programs write it."""
    inner = b'{"a":[%s]}' % b",".join([b"{}"] * beside) if beside else b"{}"
    levels -= 3 if beside else 1
    return b'{"a":' * levels + inner + b"}" * levels


ACCEPTED: list[tuple[bytes, Any]] = [
    (nested(MAX_DEPTH), None),
    (nested(MAX_DEPTH, 1000), None),
    (nested(3, 1000), {"a": [{}] * 1000}),
    (b' {"a" : [1, 2.5, true, null, "\xc3\xa4"]}\r\n', {"a": [1, 2.5, True, None, "ä"]}),
    (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
    (b'"' + b"[" * 1000 + b'"', "[" * 1000),
    (b'"' + b"," * (MAX_NODES + 1) + b'"', "," * (MAX_NODES + 1)),
    (b'["\\"[\\\\", "' + b"[{," * MAX_NODES + b'"]', None),
    (b'"\\ud83d\\ude00"', "😀"),
    (b'"\\u0000"', "\0"),
    (b'"\\\\ud800"', "\\ud800"),
    (b"[" + b"1," * (MAX_NODES - 2) + b"1]", [1] * (MAX_NODES - 1)),
    (b'{"' + b"k" * 256 + b'":1}', {"k" * 256: 1}),
]


@pytest.mark.parametrize("data", [nested(MAX_DEPTH + 1), nested(MAX_DEPTH + 1, 1000), nested(9_000)])
def test_what_is_too_deep_is_refused_however_it_is_written(data: bytes) -> None:
    for text in (data, data.replace(b'":', b'" : ')):
        with pytest.raises(StrictJsonError, match="nested deeper than 32 levels"):
            loads(text)


@pytest.mark.parametrize(("data", "value"), ACCEPTED)
def test_what_every_parser_reads_alike_is_accepted(data: bytes, value: Any) -> None:
    read = loads(data)
    assert value is None or read == value


NUMBERS = [
    *("0", "-0", "-0.0", "1.10", "1.0", "1.50", "0.1", "1e16", "1e+16", "1E16", "1e5", "1E-7", "1e-07", "1e-7"),
    *("9007199254740993", "9223372036854775808", "-9223372036854775809", "1180591620717411303424", "1" * 256),
    *("0.1000000000000000055511151231257827", "123456789012345680.0", "100000000000000000000.0", "4.9e-324", "1e-400"),
]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_goes_out_as_it_came_in_spelling_and_all(number: str) -> None:
    text = f'{{"a":[{number}]}}'.encode()
    assert msgspec.json.encode(loads(text)) == text
    assert msgspec.json.encode(reload(text)) == text


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=20,
)


@given(_json)
def test_any_json_value_is_read_and_written_without_loss(value: Any) -> None:
    text = msgspec.json.encode(value)
    assert msgspec.json.encode(loads(text)) == text
    assert json.loads(msgspec.json.encode(loads(text))) == json.loads(text)


@given(st.binary(max_size=40) | st.text(alphabet='{}[]",:0123456789.eE+-\\u ntf', max_size=40).map(str.encode))
def test_any_bytes_are_either_read_as_the_standard_reader_does_or_refused(data: bytes) -> None:
    try:
        value = loads(data)
    except StrictJsonError:
        return
    assert json.loads(msgspec.json.encode(value)) == json.loads(data)


def test_a_refusal_names_the_place_and_never_more_than_a_little_of_the_text() -> None:
    with pytest.raises(StrictJsonError, match=r"line 2, column 6"):
        loads(b'{\n "a" 1}')
    with pytest.raises(StrictJsonError) as caught:
        loads(b'{"' + b"k" * 200 + b'":1,"' + b"k" * 200 + b'":1}')
    assert len(str(caught.value)) < 120


def test_what_was_read_once_is_read_again_without_the_caps() -> None:
    stored = b"[" + b"1," * (MAX_NODES + 50) + b"1.10]"
    with pytest.raises(StrictJsonError):
        loads(stored)
    assert msgspec.json.encode(reload(stored)) == stored


def test_a_key_is_measured_whole_even_if_its_quotes_are_escaped() -> None:
    key = "a" * 200 + '\\"' + "b" * 200
    for spelling in ('{"k":1,"%s":1}', '{"k": 1, "%s": 1}'):
        with pytest.raises(StrictJsonError, match="longer than 256"):
            loads((spelling % key).encode())

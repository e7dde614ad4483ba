"""Bodies that are too large, of another type, or not JSON as we accept it: a clear 4xx, and nothing is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from api_rig import EVENT, Api, with_api
from test_frame import JSON, assert_error

MIB = 1024 * 1024

#: What RFC 8259 does not allow, and what parsers differ on (security checks 137-148).
BAD_JSON = {
    "a duplicate key": b'{"eventType":"user.lifecycle.create","eventType":"x"}',
    "a duplicate key below": b'{"eventType":"user.lifecycle.create","actor":{"id":"1","id":"2"}}',
    "half a surrogate pair": b'{"eventType":"user.lifecycle.create","displayMessage":"\\ud800"}',
    "a surrogate as UTF-8": b'{"eventType":"\xed\xa0\x80"}',
    "invalid UTF-8": b'{"eventType":"\xff"}',
    "an overlong slash": b'{"eventType":"\xc0\xaf"}',
    "a byte order mark": b'\xef\xbb\xbf{"eventType":"user.lifecycle.create"}',
    "UTF-16": '{"eventType":"user.lifecycle.create"}'.encode("utf-16"),
    "UTF-32": '{"eventType":"user.lifecycle.create"}'.encode("utf-32"),
    "two documents": b'{"eventType":"user.lifecycle.create"} {}',
    "a trailing comma": b'{"eventType":"user.lifecycle.create",}',
    "a comment": b'{"eventType":"user.lifecycle.create"/*x*/}',
    "single quotes": b"{'eventType':'user.lifecycle.create'}",
    "a leading zero": b'{"eventType":"user.lifecycle.create","x":01}',
    "a hexadecimal number": b'{"eventType":"user.lifecycle.create","x":0x10}',
    "a raw tab in a string": b'{"eventType":"user.lifecycle.create","x":"a\tb"}',
    "NaN": b'{"eventType":"user.lifecycle.create","x":NaN}',
    "a number beyond all": b'{"eventType":"user.lifecycle.create","x":1e400}',
    "a number of a million digits": b'{"eventType":"user.lifecycle.create","x":' + b"1" * 100_000 + b"}",
    "depth": b'{"a":' * 10_000,
    "arrays in depth": b"[" * 100_000,
    "many nodes": b'{"eventType":"user.lifecycle.create","x":[' + b"1," * 20_000 + b"1]}",
    "many keys": b"{" + b",".join(b'"k%d":1' % n for n in range(20_000)) + b"}",
    "a long key": b'{"' + b"k" * 1000 + b'":1}',
    "nothing": b"",
    "white space": b" " * 10_000,
}


@pytest.mark.parametrize("what", BAD_JSON)
def test_what_is_not_json_as_we_accept_it_is_refused(tmp_path, what: str) -> None:
    @with_api()
    async def walk(api: Api) -> None:
        for path in ("/api/v1/events", "/api/v1/api-tokens"):
            answer = await api.call("POST", path, content=BAD_JSON[what], headers={"Content-Type": JSON})
            assert answer.status_code == 400, (path, answer.text)
            told = answer.json()
            assert told["errorCode"] in ("E0000003", "E0000001")
            assert told["errorCauses"], "a cause says what is wrong"
        assert (await api.call("GET", "/api/v1/api-tokens")).status_code == 200
        assert len(await api.publish(EVENT)) == 1

    walk(tmp_path)


TYPES = ["text/html", "application/json; charset=utf-7", "application/json; charset=latin1", "text/json", "application",
         "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/json, text/html",
         "application/octet-stream", "application/problem+json"]  # fmt: skip


@with_api()
async def test_another_media_type_is_refused(api: Api) -> None:
    for path in ("/api/v1/events", "/api/v1/api-tokens"):
        for kind in TYPES:
            answer = await api.call("POST", path, content=b"{}", headers={"Content-Type": kind})
            assert_error(answer, 400, "E0000021")
        assert_error(await api.call("POST", path, content=b"{}"), 400, "E0000021")


@with_api()
async def test_json_may_say_that_it_is_utf_8(api: Api) -> None:
    for kind in ("application/json;charset=UTF-8", 'Application/JSON; charset="utf-8"', "application/json;"):
        answer = await api.call(
            "POST", "/api/v1/events", content=b'{"eventType":"user.lifecycle.create"}', headers={"Content-Type": kind}
        )
        assert answer.status_code == 200, (kind, answer.text)


async def pieces(total: int, size: int = 65536) -> AsyncIterator[bytes]:
    for start in range(0, total, size):
        yield b" " * min(size, total - start)


@with_api()
async def test_a_body_over_its_cap_is_refused_with_and_without_its_length(api: Api) -> None:
    for path, cap in (("/api/v1/events", 8 * MIB), ("/api/v1/api-tokens", MIB)):
        headers = {"Content-Type": JSON}
        announced = await api.call("POST", path, content=b" " * (cap + 1), headers=headers)
        chunked = await api.call("POST", path, content=pieces(cap + 1), headers=headers)
        for answer in (announced, chunked):
            assert_error(answer, 413, "E0000002")
        at_the_cap = await api.call("POST", path, content=b" " * cap, headers=headers)
        assert_error(at_the_cap, 400, "E0000003")


@with_api()
async def test_a_body_that_is_needed_and_not_announced_is_a_length_required(api: Api) -> None:
    for path in ("/api/v1/events", "/api/v1/api-tokens"):
        request = api.client.build_request("POST", path, headers={**api.auth, "Content-Type": JSON})
        del request.headers["content-length"]
        assert_error(await api.client.send(request), 411, "E0000002")

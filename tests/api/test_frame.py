"""What is the same for every request: its id, its headers, its error object, and who may ask by which name."""

from __future__ import annotations

import asyncio
import re

import httpx2
import pytest
from api_rig import BASE, EVENT, Api, with_api
from structlog.testing import capture_logs

from tenterhook import errors
from tenterhook.api.app import create_app
from tenterhook.api.errors import complaint_of
from tenterhook.door.exchange import Exchange
from tenterhook.door.protocol_error import ProtocolError
from tenterhook.door.rate_limit import Standing

JSON = "application/json"


def assert_error(answer, status: int, code: str) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == JSON
    told = answer.json()
    assert list(told) == ["errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"]
    assert told["errorCode"] == told["errorLink"] == code
    assert re.fullmatch(r"oae[A-Za-z0-9_-]{22}", told["errorId"])
    assert all(list(cause) == ["errorSummary"] for cause in told["errorCauses"])
    return told


@with_api()
async def test_every_answer_carries_the_headers_of_every_answer(api: Api) -> None:
    answers = [
        await api.call("GET", "/api/v1/api-tokens"),
        await api.call("GET", "/api/v1/nowhere"),
        await api.client.get("/api/v1/api-tokens"),
        await api.call("POST", "/api/v1/events", json=EVENT),
        await api.call("POST", "/api/v1/events", content=b"{", headers={"Content-Type": JSON}),
        await api.client.get("/healthz"),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 401, 200, 400, 200]
    for answer in answers:
        assert re.fullmatch(r"[A-Za-z0-9_-]{27}", answer.headers["x-okta-request-id"])
        assert int(answer.headers["x-rate-limit-limit"]) > 0
        assert int(answer.headers["x-rate-limit-remaining"]) >= 0
        assert int(answer.headers["x-rate-limit-reset"]) > 1_700_000_000
        assert answer.headers["cache-control"] == "no-cache, no-store"
        assert answer.headers["pragma"] == "no-cache"
        assert answer.headers["expires"] == "0"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] == JSON
    assert len({answer.headers["x-okta-request-id"] for answer in answers}) == len(answers)


@with_api()
async def test_a_request_id_of_the_client_is_not_taken_over(api: Api) -> None:
    answer = await api.call("GET", "/healthz", headers={"X-Okta-Request-Id": "mine", "X-Request-Id": "mine"})
    assert answer.headers.get_list("x-okta-request-id") != ["mine"]
    assert len(answer.headers.get_list("x-okta-request-id")) == 1


@with_api()
async def test_an_unknown_path_is_told_in_oktas_words(api: Api) -> None:
    for path in ("/api/v1/nowhere", "/api", "/api/v1/api-tokens/", "/redoc"):
        told = assert_error(await api.call("GET", path), 404, "E0000008")
        assert told["errorSummary"] == "The requested path was not found"


@with_api()
async def test_an_api_without_a_console_has_nothing_where_one_would_be(api: Api) -> None:
    alone = httpx2.ASGITransport(app=create_app(api.pipeline))
    async with httpx2.AsyncClient(transport=alone, base_url=BASE) as client:
        for path in ("/", "/console", "/console/sign-in"):
            assert_error(await client.get(path), 404, "E0000008")


@with_api()
async def test_a_wrong_method_is_told_in_oktas_words(api: Api) -> None:
    calls = [("PATCH", "/api/v1/api-tokens"), ("GET", "/api/v1/events"), ("OPTIONS", "/api/v1/events")]
    for method, path in [*calls, ("OPTIONS", "/api/v1/api-tokens"), ("TRACE", "/api/v1/logs")]:
        answer = await api.call(method, path)
        told = assert_error(answer, 405, "E0000022")
        assert told["errorSummary"] == "The endpoint does not support the provided HTTP method"
        assert answer.headers["allow"]
    assert (await api.call("PATCH", "/api/v1/api-tokens")).headers["allow"] == "GET, POST"
    assert (await api.call("PATCH", "/api/v1/eventHooks/who1")).headers["allow"] == "DELETE, GET, PUT"


@with_api()
async def test_an_answer_without_content_has_no_content_type_and_no_body(api: Api) -> None:
    made = await api.call("POST", "/api/v1/api-tokens", json={"name": "a", "role": "PUBLISHER"})
    answer = await api.call("DELETE", f"/api/v1/api-tokens/{made.json()['id']}")
    assert answer.status_code == 204
    assert answer.content == b""
    assert "content-type" not in answer.headers
    assert "content-length" not in answer.headers
    assert answer.headers["x-okta-request-id"]


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost", "localhost:9999", "localhost.:8080", "hooks.example.com"]
)
def test_another_host_name_is_misdirected(tmp_path, host: str) -> None:
    @with_api()
    async def walk(api: Api) -> None:
        answer = await api.call("GET", "/api/v1/api-tokens", headers={"Host": host})
        told = assert_error(answer, 421, "E0000002")
        assert "TENTERHOOK_PUBLIC_URL" in told["errorSummary"]

    walk(tmp_path)


@with_api(public_url="https://Hooks.Example.com")
async def test_the_public_name_and_the_loopback_names_are_answered(api: Api) -> None:
    hosts = ["hooks.example.com", "HOOKS.example.com", "hooks.example.com:443", "127.0.0.1:8080", "[::1]:8080"]
    for host in [*hosts, "localhost:8080"]:
        answer = await api.call("GET", "/api/v1/api-tokens", headers={"Host": host})
        assert answer.status_code == 200, host
    assert_error(await api.call("GET", "/healthz", headers={"Host": "hooks.example.com:8443"}), 421, "E0000002")


@with_api()
async def test_doubled_slashes_are_read_as_one(api: Api) -> None:
    assert (await api.call("GET", "/api//v1///api-tokens")).status_code == 200
    assert (await api.call("POST", "/api/v1//events", json=EVENT)).status_code == 200


@with_api()
async def test_a_compressed_body_is_refused_in_any_coding(api: Api) -> None:
    for coding in ("gzip", "br", "zstd", "deflate", "gzip, gzip", "identity, gzip", "x"):
        headers = {"Content-Encoding": coding, "Content-Type": JSON}
        answer = await api.call("POST", "/api/v1/events", content=b"{}", headers=headers)
        told = assert_error(answer, 400, "E0000021")
        assert "identity" in told["errorCauses"][0]["errorSummary"]
    plain = {"Content-Encoding": "identity"}
    assert (await api.call("POST", "/api/v1/events", json=EVENT, headers=plain)).status_code == 200


@with_api()
async def test_a_strange_id_in_a_path_is_not_found(api: Api) -> None:
    ids = ["..", "%2e%2e", "%2e%2e%2f%2e%2e", "a;b", "%00", "%0d%0aX:1", "x" * 10_000, "%ff%fe", "%F0%9F%92%A9", "'--"]
    for one in ids:
        for path in (
            f"/api/v1/deliveries/{one}",
            f"/api/v1/eventHooks/{one}/deliveries",
            f"/api/v1/logs/{one}/deliveries",
        ):
            if path.endswith("/../deliveries"):
                continue  # the client itself resolves it, to the list of all deliveries
            answer = await api.call("GET", path)
            assert answer.status_code == 404, (path[:60], answer.text)
            assert len(answer.content) < 1000
        assert (await api.call("DELETE", f"/api/v1/api-tokens/{one}")).status_code == 404
        assert (await api.call("POST", f"/api/v1/deliveries/{one}/retry")).status_code == 404


@with_api()
async def test_a_method_override_is_ignored(api: Api) -> None:
    made = await api.call("POST", "/api/v1/api-tokens", json={"name": "a", "role": "PUBLISHER"})
    path = f"/api/v1/api-tokens/{made.json()['id']}"
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert (await api.call("POST", path, headers={name: "DELETE"})).status_code == 405
    await api.call("GET", "/api/v1/api-tokens?_method=DELETE")
    assert made.json()["id"] in [one["id"] for one in (await api.call("GET", "/api/v1/api-tokens")).json()]


@with_api()
async def test_no_other_origin_is_ever_allowed(api: Api) -> None:
    for origin in ("https://evil.example", "null"):
        for method in ("GET", "OPTIONS"):
            headers = {"Origin": origin, "Cookie": "sid=1", "Access-Control-Request-Method": "POST"}
            answer = await api.call(method, "/api/v1/api-tokens", headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control")]


@with_api()
async def test_an_error_of_our_own_is_a_bare_500_and_counted(api: Api) -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        raise BrokenError("a secret")

    api.frame._hot["/api/v1/broken"] = broken
    with capture_logs() as logged:
        hot = await api.call("POST", "/api/v1/broken")
    assert api.frame.failures == 1
    api.frame.failures = 0
    told = assert_error(hot, 500, "E0000009")
    assert (told["errorSummary"], told["errorCauses"]) == ("Internal Server Error", [])
    assert "secret" not in hot.text
    assert logged[0]["request_id"] == hot.headers["x-okta-request-id"]


@with_api()
async def test_an_error_of_our_own_in_a_resource_is_told_once(api: Api) -> None:
    api.pipeline.public_url = None
    with capture_logs():
        answer = await api.call("GET", "/api/v1/api-tokens")
    assert_error(answer, 500, "E0000009")
    assert api.frame.failures == 1
    api.frame.failures = 0


@with_api()
async def test_the_description_of_the_api_is_there_and_loads_nothing_from_elsewhere(api: Api) -> None:
    answer = await api.client.get("/openapi.json")
    assert answer.status_code == 200
    assert "/api/v1/api-tokens" in answer.json()["paths"]


def test_an_answer_without_content_is_stripped_of_what_a_route_said_of_a_body() -> None:
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    exchange = Exchange({"headers": []}, send, lambda one: Standing(1, 1, 1, 1))
    headers = [(b"Content-Type", b"application/json"), (b"content-length", b"0"), (b"x-own", b"1")]
    asyncio.run(exchange.send({"type": "http.response.start", "status": 204, "headers": headers}))
    names = [name.lower() for name, _ in sent[0]["headers"]]
    assert b"x-own" in names
    assert not {b"content-type", b"content-length"} & set(names)


class BrokenError(Exception):
    pass


def test_each_error_has_its_status_code_and_text() -> None:
    table = [
        (errors.InvalidError("eventHook", ["name: x"]), 400, "E0000001", "Api validation failed: eventHook"),
        (errors.BadRequestError("x"), 400, "E0000002", "The request was not valid: x"),
        (errors.MalformedBodyError("x"), 400, "E0000003", "The request body was not well-formed."),
        (errors.NotAuthenticatedError("x"), 401, "E0000011", "Invalid token provided"),
        (errors.ForbiddenError(""), 403, "E0000006", "You do not have permission to perform the requested action"),
        (errors.NotFoundError("who1", "Webhook"), 404, "E0000007", "Not found: Resource not found: who1 (Webhook)"),
        (errors.TooLargeError("x"), 413, "E0000002", "The request was not valid: x"),
        (ProtocolError(411, "x"), 411, "E0000002", "The request was not valid: x"),
        (errors.RateLimitedError(""), 429, "E0000047", "API call exceeded rate limit due to too many requests."),
        (errors.OverloadedError("x", 7), 503, "E0000010", "Service is in read only mode"),
        (errors.QueryTimeoutError("x"), 504, "E0000009", "x"),
        (BrokenError("a secret"), 500, "E0000009", "Internal Server Error"),
    ]
    for error, status, code, summary in table:
        told = complaint_of(error)
        assert (told.status, told.code, told.summary) == (status, code, summary)
    assert complaint_of(BrokenError("a secret")).causes == ()
    assert complaint_of(errors.OverloadedError("x", 7)).headers == {"retry-after": "7"}
    assert complaint_of(errors.InvalidError("a", ["b: c", "d: e"])).causes == ["b: c", "d: e"]

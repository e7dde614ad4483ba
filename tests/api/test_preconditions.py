"""ETag and If-Match on event hooks: nobody's change is overwritten unseen; and a limit that no race can pass."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from api_rig import Api, with_api
from test_frame import assert_error

from tenterhook.domain.precondition import read_if_match

HOOKS = "/api/v1/eventHooks"
_names = itertools.count()


def body(**changes: Any) -> dict[str, Any]:
    return {
        "name": f"hook {next(_names)}",
        "events": {"type": "EVENT_TYPE", "items": ["user.lifecycle.create"]},
        "channel": {"type": "HTTP", "version": "1.0.0", "config": {"uri": "https://svc.example.com/in"}},
        **changes,
    }


async def make(api: Api) -> tuple[str, str]:
    """Create a hook; return its path and ETag."""
    made = await api.call("POST", HOOKS, json=body())
    assert made.status_code == 200, made.text
    return f"{HOOKS}/{made.json()['id']}", made.headers["etag"]


@with_api()
async def test_a_hook_has_another_etag_after_each_change(api: Api) -> None:
    path, first = await make(api)
    assert (await api.call("GET", path)).headers["etag"] == first
    changed = await api.call("PUT", path, json=body())
    off = await api.call("POST", f"{path}/lifecycle/deactivate")
    again = await api.call("POST", f"{path}/lifecycle/deactivate")
    assert len({first, changed.headers["etag"], off.headers["etag"]}) == 3
    assert again.headers["etag"] == off.headers["etag"] == (await api.call("GET", path)).headers["etag"]
    assert first.startswith('"')
    assert first.endswith('"')


@with_api()
async def test_of_two_changes_of_the_same_state_one_loses(api: Api) -> None:
    path, seen = await make(api)
    puts = [api.call("PUT", path, json=body(name=f"racer {n}"), headers={"If-Match": seen}) for n in range(10)]
    answers = await asyncio.gather(*puts)
    assert sorted(one.status_code for one in answers) == [200] + [412] * 9
    (won,) = [one for one in answers if one.status_code == 200]
    assert (await api.call("GET", path)).json()["name"] == won.json()["name"]
    told = assert_error(next(one for one in answers if one.status_code == 412), 412, "E0000002")
    assert won.headers["etag"] in told["errorSummary"]
    again = await api.call("PUT", path, json=body(), headers={"If-Match": won.headers["etag"]})
    assert again.status_code == 200


@with_api()
async def test_every_change_heeds_if_match(api: Api) -> None:
    path, old = await make(api)
    now = (await api.call("PUT", path, json=body())).headers["etag"]
    calls = [("POST", f"{path}/lifecycle/{verb}") for verb in ("deactivate", "activate", "verify")]
    for method, target in [*calls, ("DELETE", path)]:
        for value in (old, f"W/{now}", '"x"', "x", "", f"{old}, W/{now}"):
            assert_error(await api.call(method, target, headers={"If-Match": value}), 412, "E0000002")
    assert (await api.call("GET", path)).headers["etag"] == now
    off = await api.call("POST", f"{path}/lifecycle/deactivate", headers={"If-Match": f"{old}, {now}"})
    assert off.status_code == 200
    assert (await api.call("DELETE", path, headers={"If-Match": "*"})).status_code == 204
    assert_error(await api.call("DELETE", path, headers={"If-Match": "*"}), 404, "E0000007")


@with_api()
async def test_without_if_match_the_last_change_wins(api: Api) -> None:
    path, _ = await make(api)
    answers = await asyncio.gather(*(api.call("PUT", path, json=body()) for _ in range(10)))
    assert {one.status_code for one in answers} == {200}


@pytest.mark.parametrize(
    ("values", "allowed"),
    [
        ([], None),
        (['"a"'], {'"a"'}),
        (['"a", "b"', '"c"'], {'"a"', '"b"', '"c"'}),
        (['W/"a"'], set()),
        (["a"], set()),
        (['"a'], set()),
        ([","], set()),
        (["*, *"], set()),
    ],
)
def test_if_match_is_read_by_the_strong_comparison(values: list[str], allowed: set[str] | None) -> None:
    found = read_if_match(values)
    assert (None if found is None else found.tags) == allowed
    assert found is None or not found.anything


@with_api(limit_event_hooks=5)
async def test_fifty_activations_at_once_end_exactly_at_the_limit(api: Api) -> None:
    hooks = [await api.add_hook("https://svc.example.com/in", status="INACTIVE") for _ in range(50)]
    paths = [f"{HOOKS}/{hook.id}/lifecycle/activate" for hook in hooks]
    answers = await asyncio.gather(*(api.call("POST", path) for path in paths))
    refused = [one for one in answers if one.status_code != 200]
    assert len(refused) == 45
    told = assert_error(refused[0], 400, "E0000001")
    assert "TENTERHOOK_LIMIT_EVENT_HOOKS" in told["errorCauses"][0]["errorSummary"]
    assert sum(one["status"] == "ACTIVE" for one in (await api.call("GET", HOOKS)).json()) == 5


@with_api(limit_event_hooks=5)
async def test_fifty_verifications_at_once_end_exactly_at_the_limit(api: Api) -> None:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    uri = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
    hooks = [await api.add_hook(uri, verification_status="UNVERIFIED", ever_verified=False) for _ in range(50)]
    answers = await asyncio.gather(*(api.call("POST", f"{HOOKS}/{hook.id}/lifecycle/verify") for hook in hooks))
    server.close()
    assert sorted(one.status_code for one in answers) == [200] * 5 + [400] * 45
    assert sum(one["verificationStatus"] == "VERIFIED" for one in (await api.call("GET", HOOKS)).json()) == 5


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    challenge = head.partition(b"X-Okta-Verification-Challenge: ")[2].split(b"\r\n")[0]
    said = b'{"verification":"%s"}' % challenge
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(said), said))
    await writer.drain()
    writer.close()

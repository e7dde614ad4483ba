"""What probes are told."""

from __future__ import annotations

from api_rig import Api, with_api
from test_frame import assert_error

from tenterhook.domain.delivery_policy import DeliveryPolicy

PAUSED = DeliveryPolicy(retry="durable", paused=True)


@with_api()
async def test_health_is_told_without_a_token(api: Api) -> None:
    answer = await api.client.get("/healthz")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["profile"], told["mode"]) == ("ok", "open", "development")
    assert told["version"]
    assert told["durability"]["grade"] == "FULL"
    assert told["durability"]["journal_mode"] == "wal"
    assert told["durability"]["sqlite_version"]
    assert (told["runnable"], told["oldestPendingAgeSeconds"]) == (0, 0)


@with_api()
async def test_what_is_held_is_not_runnable_and_what_is_due_is(api: Api) -> None:
    await api.add_hook("http://127.0.0.1:9/", delivery_policy=PAUSED)
    hook = await api.add_hook("http://127.0.0.1:9/")
    await api.publish()
    now = api.pipeline.now_ms()
    await api.wait_for(hook, "RETRYING")
    api.pipeline.now_ms = lambda: now + 3_600_000
    told = (await api.client.get("/healthz")).json()
    assert told["runnable"] == 1
    assert 3000 < told["oldestPendingAgeSeconds"] <= 3600


@with_api()
async def test_a_stopping_server_is_not_ready(api: Api) -> None:
    assert (await api.client.get("/readyz")).json() == {"status": "ready"}
    api.pipeline.lanes.closing = True
    answer = await api.client.get("/readyz")
    assert_error(answer, 503, "E0000010")
    assert answer.headers["retry-after"]
    assert (await api.client.head("/healthz")).status_code == 200

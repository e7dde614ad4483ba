"""Workflow › Hook Keys: keys are made, handed out as their public half, renamed, and deleted once nobody signs."""

from __future__ import annotations

import json
import re
from html import unescape

from api_rig import Api, with_api
from console_rig import signed_in, words_of
from inline_pages_rig import KEYS, OAUTH_FORM, made, made_key

from tenterhook.domain.principal import Role


@with_api()
async def test_a_key_is_made_and_its_public_half_shown(api: Api) -> None:
    async with signed_in(api, Role.HOOKS_ADMIN) as browser:
        assert "No hook keys" in words_of((await browser.open(KEYS)).text)
        path = await made_key(browser)
        page = (await browser.open(path)).text
        shown = re.search(r'<pre[^>]*aria-label="Public key as a JWK">(.*?)</pre>', page, re.DOTALL)
        assert shown is not None
        jwk = json.loads(unescape(shown[1]))
        public = (await api.call("GET", f"/api/v1/hook-keys/public/{jwk['kid']}")).json()
        assert public in (jwk, {"_embedded": jwk})
        assert "PRIVATE" not in page
        assert "Signer" in words_of((await browser.open(KEYS)).text)


@with_api()
async def test_a_key_is_renamed_and_a_taken_name_is_a_problem_at_its_field(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await made_key(browser)
        await made_key(browser, "Other")
        taken = await browser.send(path, {"name": "Other"})
        assert taken.status_code == 400
        assert 'id="name-problem"' in taken.text
        assert 'value="Other"' in taken.text
        assert (await browser.send(path, {"name": "Better"})).headers["location"] == path
        assert "is called Better now" in words_of((await browser.open(path)).text)
        empty = await browser.send(KEYS, {"name": " "})
        assert empty.status_code == 400


@with_api()
async def test_a_key_that_signs_names_its_hooks_and_stays(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await made_key(browser)
        key_id = path.rpartition("/")[2]
        by_key = {"auth_type": "private_key_jwt", "client_secret": "", "hook_key_id": key_id}
        hook = await made(browser, OAUTH_FORM, **by_key)
        assert "In use" in words_of((await browser.open(KEYS)).text)
        asked = (await browser.open(f"{path}/delete")).text
        assert f'href="{hook}"' in asked
        assert f'action="{path}/delete"' not in asked
        refused = await browser.send(f"{path}/delete")
        assert refused.status_code == 400
        assert "'Enrich tokens'" in words_of(refused.text)
        await browser.send(f"{hook}/deactivate")
        await browser.send(f"{hook}/delete")
        assert f'action="{path}/delete"' in (await browser.open(f"{path}/delete")).text
        assert (await browser.send(f"{path}/delete")).headers["location"] == KEYS
        assert (await browser.open(path)).status_code == 404

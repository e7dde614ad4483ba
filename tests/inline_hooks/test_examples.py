"""The examples run as their READMEs say, each process by the very command that stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from call_rig import closed_port
from joserfc import jwt
from joserfc.jwk import KeySet

ROOT = Path(__file__).parents[2]
WAIT_S = 60.0


def commands(example: str) -> list[list[str]]:
    """Return the commands of an example's README, word by word."""
    (block,) = re.findall(r"```sh\n(.*?)```", (ROOT / "examples" / example / "README.md").read_text(), re.DOTALL)
    return [shlex.split(line) for line in block.splitlines()]


@contextmanager
def running(folder: Path, words: list[str], **variables: str) -> Iterator[None]:
    """Run a command of a README in *folder*, an installed `tenterhook` or `python` standing for this environment's."""
    first, *rest = words
    program = [sys.executable] if first == "python" else [sys.executable, "-m", "tenterhook.cli"]
    rest = [str(ROOT / word) if word.startswith("examples/") else word for word in rest]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TENTERHOOK_")}
    process = subprocess.Popen([*program, *rest], cwd=folder, env=kept | variables, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(WAIT_S)


def ready(url: str) -> None:
    """Wait until somebody answers at *url*."""
    end = time.monotonic() + WAIT_S
    while True:
        try:
            httpx2.get(url, timeout=5)
            return
        except httpx2.TransportError:
            assert time.monotonic() < end, url
            time.sleep(0.1)


def curl(words: list[str], port: int, **changes: str) -> httpx2.Response:
    """Do what a README's curl does, at *port*. changes: texts of its data that are replaced."""
    assert words[0] == "curl"
    given = [words[at + 1] for at, word in enumerate(words) if word == "-d"]
    body = "&".join(given)
    for old, new in changes.items():
        assert old in body
        body = body.replace(old, new)
    url = re.sub(r":\d+/", f":{port}/", words[-1])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}  # as curl does
    return httpx2.post(url, content=body, headers=headers, timeout=20)


def test_the_sign_up_asks_its_rules_before_it_creates_a_user(tmp_path: Path) -> None:
    rules, app, request = commands("sign_up")
    rules_port, port = closed_port(), closed_port()
    with running(tmp_path, app, PORT=str(port), RULES_URL=f"http://127.0.0.1:{rules_port}/"):
        with running(tmp_path, rules, PORT=str(rules_port)):
            ready(f"http://127.0.0.1:{rules_port}/")
            ready(f"http://127.0.0.1:{port}/")
            made = curl(request, port)
            assert (made.status_code, made.json()["department"]) == (201, "Home")
            assert made.json()["firstName"] == "Ann"
            denied = curl(request, port, **{"example.com": "elsewhere.test"})
            assert (denied.status_code, denied.json()["errorSummary"]) == (403, "This address cannot sign up here.")
            assert denied.json()["errorCauses"][0]["location"] == "data.userProfile.login"
        failed = curl(request, port)
        assert failed.status_code == 403
        text = "There was an error creating your account. Please try registering again"
        assert failed.json()["errorSummary"] == text


def test_the_minter_takes_claims_from_its_hook_and_goes_on_without(tmp_path: Path) -> None:
    serve, claims, minter, request = commands("token_minter")
    server_port, claims_port, port = closed_port(), closed_port(), closed_port()
    variables = {
        "PORT": str(port),
        "CLAIMS_URL": f"http://127.0.0.1:{claims_port}/",
        "TENTERHOOK_URL": f"http://127.0.0.1:{server_port}",
    }
    with running(tmp_path, serve, TENTERHOOK_PORT=str(server_port)):
        ready(f"http://127.0.0.1:{server_port}/healthz")
        with running(tmp_path, minter, **variables):
            ready(f"http://127.0.0.1:{port}/keys")
            with running(tmp_path, claims, PORT=str(claims_port)):
                ready(f"http://127.0.0.1:{claims_port}/")
                minted = curl(request, port)
                assert (minted.status_code, minted.json()["expires_in"]) == (200, 600), minted.text
                assert read(minted.json()["access_token"], port)["plan"] == "gold"
                denied = curl(request, port, billing="stranger")
                assert denied.status_code == 400
                assert denied.json() == {"error": "server_error", "error_description": "stranger has no plan."}
            plain = curl(request, port)
            assert (plain.status_code, plain.json()["expires_in"]) == (200, 3600)
            assert "plan" not in read(plain.json()["access_token"], port)


def read(token: str, port: int) -> dict[str, Any]:
    """Return the claims of a token, proved with the published key."""
    published = KeySet.import_key_set(httpx2.get(f"http://127.0.0.1:{port}/keys", timeout=20).json())
    return dict(jwt.decode(token, published, algorithms=["RS256"]).claims)


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir()))
def test_every_example_says_in_its_readme_how_it_is_run(example: str) -> None:
    named = json.dumps(commands(example))
    for script in (ROOT / "examples" / example).glob("*.py"):
        assert f"examples/{example}/{script.name}" in named

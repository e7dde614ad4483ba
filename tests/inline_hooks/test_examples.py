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
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

ROOT = Path(__file__).parents[2]
WAIT_S = 60.0


def commands(example: str) -> list[list[str]]:
    """Return the commands of an example's README, word by word."""
    (block,) = re.findall(r"```sh\n(.*?)```", (ROOT / "examples" / example / "README.md").read_text(), re.DOTALL)
    return [shlex.split(line) for line in block.splitlines()]


@contextmanager
def running(folder: Path, words: list[str], **variables: str) -> Iterator[str]:
    """Run a command of a README in *folder*, an installed `tenterhook` or `python` standing for this environment's.

    Yields its URL, which it prints when it is ready: it listens on a port that the system gives it.
    """
    first, *rest = words
    program = [sys.executable] if first == "python" else [sys.executable, "-m", "tenterhook.cli"]
    rest = [str(ROOT / word) if word.startswith("examples/") else word for word in rest]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TENTERHOOK_")}
    given = kept | {"PYTHONUNBUFFERED": "1", "PORT": "0", "TENTERHOOK_PORT": "0"} | variables
    said = folder / f"{Path(rest[0]).stem}.txt"
    with said.open("wb") as output:
        process = subprocess.Popen([*program, *rest], cwd=folder, env=given, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield announced(process, said)
    finally:
        process.terminate()
        process.wait(WAIT_S)


def announced(process: subprocess.Popen[bytes], said: Path) -> str:
    """Return the URL that *process*, whose words go to *said*, listens on; wait until it says so."""
    end = time.monotonic() + WAIT_S
    while (found := re.search(r"(?:listening|running) on (http://[\w.]+:\d+)\s", said.read_text())) is None:
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < end, said.read_text()
        time.sleep(0.05)
    return found[1]


def curl(words: list[str], at: str, **changes: str) -> httpx2.Response:
    """Do what a README's curl does, at the URL *at*. changes: texts of its data that are replaced."""
    assert words[0] == "curl"
    body = "&".join(after for word, after in pairwise(words) if word == "-d")
    for old, new in changes.items():
        assert old in body
        body = body.replace(old, new)
    url = re.sub(r"http://[\w.]+:\d+", at, words[-1])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}  # as curl does
    return httpx2.post(url, content=body, headers=headers, timeout=20)


def test_the_sign_up_asks_its_rules_before_it_creates_a_user(tmp_path: Path) -> None:
    rules, app, request = commands("sign_up")
    with ExitStack() as until_stopped:
        asked = until_stopped.enter_context(running(tmp_path, rules))
        with running(tmp_path, app, RULES_URL=f"{asked}/") as url:
            made = curl(request, url)
            assert (made.status_code, made.json()["department"]) == (201, "Home")
            assert made.json()["firstName"] == "Ann"
            denied = curl(request, url, **{"example.com": "elsewhere.test"})
            assert (denied.status_code, denied.json()["errorSummary"]) == (403, "This address cannot sign up here.")
            assert denied.json()["errorCauses"][0]["location"] == "data.userProfile.login"
            until_stopped.close()
            failed = curl(request, url)
            assert failed.status_code == 403
            text = "There was an error creating your account. Please try registering again"
            assert failed.json()["errorSummary"] == text


def test_the_minter_takes_claims_from_its_hook_and_goes_on_without(tmp_path: Path) -> None:
    serve, claims, minter, request = commands("token_minter")
    with running(tmp_path, serve) as server, ExitStack() as until_stopped:
        asked = until_stopped.enter_context(running(tmp_path, claims))
        with running(tmp_path, minter, CLAIMS_URL=f"{asked}/", TENTERHOOK_URL=server) as url:
            minted = curl(request, url)
            assert (minted.status_code, minted.json()["expires_in"]) == (200, 600), minted.text
            assert read(minted.json()["access_token"], url)["plan"] == "gold"
            denied = curl(request, url, billing="stranger")
            assert denied.status_code == 400
            assert denied.json() == {"error": "server_error", "error_description": "stranger has no plan."}
            until_stopped.close()
            plain = curl(request, url)
            assert (plain.status_code, plain.json()["expires_in"]) == (200, 3600)
            assert "plan" not in read(plain.json()["access_token"], url)


def read(token: str, at: str) -> dict[str, Any]:
    """Return the claims of a token, proved with the key that is published at the URL *at*."""
    published = KeySet.import_key_set(httpx2.get(f"{at}/keys", timeout=20).json())
    return dict(jwt.decode(token, published, algorithms=["RS256"]).claims)


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir()))
def test_every_example_says_in_its_readme_how_it_is_run(example: str) -> None:
    named = json.dumps(commands(example))
    for script in (ROOT / "examples" / example).glob("*.py"):
        assert f"examples/{example}/{script.name}" in named

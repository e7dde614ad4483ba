"""From options, environment and file to one `Settings`, with every problem told at once."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tenterhook.errors import SettingsError
from tenterhook.settings.model import PROFILES, Profile, Settings
from tenterhook.settings.values import Expect

PREFIX = "TENTERHOOK_"

#: Variables that are not settings: client commands read them, and the last names the file.
CLIENT_VARIABLES = frozenset({"TENTERHOOK_URL", "TENTERHOOK_TOKEN", "TENTERHOOK_LISTEN_SECRET", "TENTERHOOK_CONFIG"})

#: How an option is spelled where it is not the setting's name with dashes.
OPTION_NAMES = {"data_dir": "--data"}

#: Settings that are planned. Ignoring one would be a lie: whoever sets it relies on it.
PLANNED = {
    "database_url": "PostgreSQL is not supported yet; leave it out, and set the data directory",
    "egress_proxy": "an outbound proxy is not supported yet; leave it out",
    "egress_addresses": "publishing our own addresses is not supported yet; leave it out",
}

SECRETS = frozenset({"secret_keys", "bootstrap_token"})


class Given(NamedTuple):
    """One value as someone wrote it."""

    name: str  #: as the user wrote it: an option, a variable, or file and key
    value: object


def load_settings(options: Mapping[str, object], environ: Mapping[str, str], config: Path | None = None) -> Settings:
    """Make the settings: options win over *environ*, that over *config*, that over the profile, that over the defaults.

    options: by setting name (`data_dir`); None means not given.
    environ: the whole environment; only names that begin with TENTERHOOK_ are looked at. Empty text means not set, here
    and in the file. TENTERHOOK_CONFIG names the file when *config* is None.
    Raises: SettingsError, with one line for each problem.
    """
    problems: list[str] = []
    given = _from_file(config or _config_of(environ), problems)
    given |= _from_environment(environ, problems)
    given |= {name: Given(_option(name), value) for name, value in options.items() if value is not None}
    _refuse_unknown(options, problems)
    given = {name: one for name, one in given.items() if name in Settings.model_fields}
    profile = _profile(given)
    values = PROFILES[profile] | {name: one.value for name, one in given.items()}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        # One line a setting: a list with three bad parts is mended in one go anyway.
        told = {str(detail["loc"][0]): detail for detail in reversed(error.errors(include_url=False))}
        problems += [_sentence(given[name], name, detail) for name, detail in reversed(told.items())]
    if problems:
        raise SettingsError("\n".join(problems))
    settings._origins.update(dict.fromkeys(PROFILES[profile], f"profile {profile}"))
    settings._origins.update({name: one.name for name, one in given.items()})
    return settings


def _config_of(environ: Mapping[str, str]) -> Path | None:
    path = environ.get("TENTERHOOK_CONFIG")
    return Path(path) if path else None


def _option(name: str) -> str:
    return OPTION_NAMES.get(name, "--" + name.replace("_", "-"))


def _from_file(config: Path | None, problems: list[str]) -> dict[str, Given]:
    if config is None:
        return {}
    try:
        table: dict[str, Any] = tomllib.loads(config.read_text("utf-8"))
    except OSError as error:
        problems.append(f"{config}: cannot be read ({error.strerror}). Name a TOML file that this user may read.")
    except UnicodeDecodeError:
        problems.append(f"{config}: is not UTF-8 text, as TOML must be.")
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{config}: is not TOML: {error}.")
    else:
        given = {key: Given(f"{config}: {key}", value) for key, value in table.items() if value != ""}
        problems += [f"{config}: {_unknown(key, key, '')}" for key in given if key not in Settings.model_fields]
        return given
    return {}


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, Given]:
    given: dict[str, Given] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable in CLIENT_VARIABLES or not value:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name in Settings.model_fields and variable == PREFIX + name.upper():
            given[name] = Given(variable, value)
        else:
            problems.append(_unknown(variable, name, PREFIX))
    return given


def _refuse_unknown(options: Mapping[str, object], problems: list[str]) -> None:
    unknown = [name for name in options if name not in Settings.model_fields]
    problems += [_unknown(_option(name), name, "--") for name in unknown]


def _unknown(written: str, name: str, prefix: str) -> str:
    """Say that there is no such setting, and which was probably meant, spelled as the user spells settings."""
    if name in PLANNED:
        return f"{written}: {PLANNED[name]}."
    close = difflib.get_close_matches(name.lower(), Settings.model_fields, n=1, cutoff=0.6)
    advice = f"Did you mean {_spelled(close[0], prefix)}?" if close else "config.default.toml lists all settings."
    return f"{written}: there is no such setting. {advice}"


def _spelled(name: str, prefix: str) -> str:
    if prefix == PREFIX:
        return PREFIX + name.upper()
    return _option(name) if prefix == "--" else name


def _profile(given: Mapping[str, Given]) -> Profile:
    """Return the profile in force; a wrong one is reported with the other problems, and until then `open` stands in."""
    try:
        return Profile(str(given["profile"].value)) if "profile" in given else Profile.OPEN
    except ValueError:
        return Profile.OPEN


def _sentence(given: Given, name: str, detail: ErrorDetails) -> str:
    """Tell one problem: the setting as it was written, what is wrong, what would be right."""
    expected = " ".join(_expected(name))
    cause = detail.get("ctx", {}).get("error")
    wrong = str(cause) if isinstance(cause, ValueError) else "is not accepted"
    shown = "its value" if name in SECRETS else _shown(given.value)
    return f"{given.name}: {shown} {wrong}. It must be {expected}."


def _expected(name: str) -> Iterator[str]:
    return (mark.what for mark in Settings.model_fields[name].metadata if isinstance(mark, Expect))


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return repr(text if len(text) <= 80 else text[:77] + "...") if isinstance(value, str) else text[:80]

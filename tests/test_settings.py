"""Settings: which source wins, and what wrong ones say."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from pydantic import ValidationError

from tenterhook.errors import SettingsError
from tenterhook.settings import Profile, Settings, load_settings

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
TOKEN = "first-token-of-this-org"


def problems(*, options: dict[str, object] | None = None, config: Path | None = None, **environ: str) -> list[str]:
    """Return the lines of the error that these settings get; variables without their prefix."""
    with pytest.raises(SettingsError) as caught:
        load_settings(options or {}, {f"TENTERHOOK_{name}": value for name, value in environ.items()}, config)
    return str(caught.value).splitlines()


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(text, "utf-8")
    return path


def test_without_any_source_the_defaults_are_in_force() -> None:
    settings = load_settings({}, {})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.profile) == ("127.0.0.1", 8080, Profile.OPEN)
    assert (settings.delivery_retry, settings.limit_event_hooks) == ("durable", None)


def test_an_option_wins_over_environment_over_file_over_profile_over_default(tmp_path: Path) -> None:
    config = toml(tmp_path, 'profile = "okta"\nport = 1\nhost = "::1"\nlimit_event_hooks = 3\n')
    environ = {"TENTERHOOK_PORT": "2", "TENTERHOOK_LIMIT_EVENT_HOOKS": "4"}
    settings = load_settings({"port": 5, "host": None}, environ, config)
    assert (settings.port, settings.limit_event_hooks, settings.host) == (5, 4, "::1")
    assert (settings.limit_event_types, settings.retention_log_days) == (300, 90)
    names = ["port", "limit_event_hooks", "host", "limit_event_types", "retention_log_days"]
    origins = [settings.origin(name) for name in names]
    assert origins == ["--port", "TENTERHOOK_LIMIT_EVENT_HOOKS", f"{config}: host", "profile okta", "default"]


@pytest.mark.parametrize(
    ("profile", "retry", "limits"),
    [
        ("open", "durable", (None, None, None, None, None)),
        ("okta", "okta", (400_000, 25, 300, 100, 50)),
        ("okta-2021", "okta-2021", (100_000, 10, 300, 100, 50)),
    ],
)
def test_each_profile_is_the_contract_that_it_names(profile: str, retry: str, limits: tuple[int | None, ...]) -> None:
    settings = load_settings({}, {"TENTERHOOK_PROFILE": profile})
    assert settings.delivery_retry == retry
    names = ("events_per_24h", "event_hooks", "event_types", "inline_hooks", "hook_keys")
    assert tuple(getattr(settings, f"limit_{name}") for name in names) == limits


def test_a_limit_of_the_profile_can_be_lifted() -> None:
    environ = {"TENTERHOOK_PROFILE": "okta", "TENTERHOOK_LIMIT_EVENT_HOOKS": "unlimited"}
    assert load_settings({}, environ).limit_event_hooks is None


def test_lists_are_parted_by_commas_in_the_environment_and_arrays_in_a_file(tmp_path: Path) -> None:
    expected = ("10.0.0.0/8", "192.168.7.7:9000", "[fd00::/8]:9000", "fd12::/16")
    by_environment = load_settings({}, {"TENTERHOOK_EGRESS_ALLOW": ", ".join(expected) + ","})
    by_file = load_settings({}, {}, toml(tmp_path, f"egress_allow = {list(expected)}"))
    assert by_environment.egress_allow == by_file.egress_allow == expected


def test_empty_text_means_not_set(tmp_path: Path) -> None:
    config = toml(tmp_path, 'egress_ca_file = ""\nbootstrap_token = ""')
    settings = load_settings({}, {"TENTERHOOK_PUBLIC_URL": "", "TENTERHOOK_PORT": ""}, config)
    assert settings == Settings()


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    environ = {"TENTERHOOK_CONFIG": str(toml(tmp_path, "port = 1"))}
    assert load_settings({}, environ).port == 1


def test_the_variables_of_client_commands_and_of_others_are_left_alone() -> None:
    environ = {
        "TENTERHOOK_URL": "x",
        "TENTERHOOK_TOKEN": "x",
        "TENTERHOOK_LISTEN_SECRET": "x",
        "TENTERHOOKS": "x",
        "PORT": "x",
    }
    assert load_settings({}, environ) == Settings()


def test_the_public_url_loses_its_trailing_slash() -> None:
    assert load_settings({}, {"TENTERHOOK_PUBLIC_URL": "https://h.example/"}).public_url == "https://h.example"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_secrets_are_not_shown_by_settings() -> None:
    settings = load_settings({}, {"TENTERHOOK_BOOTSTRAP_TOKEN": TOKEN, "TENTERHOOK_SECRET_KEYS": KEY})
    assert settings.bootstrap_token is not None
    assert (settings.bootstrap_token.get_secret_value(), settings.secret_keys[0].get_secret_value()) == (TOKEN, KEY)
    shown = repr(settings) + str(settings) + settings.model_dump_json()
    assert TOKEN not in shown
    assert KEY not in shown


def test_secrets_are_not_shown_by_errors() -> None:
    lines = problems(BOOTSTRAP_TOKEN="too-short", SECRET_KEYS=f"{KEY},{KEY}x", DATABASE_URL="postgresql://u:pw@h/d")
    assert len(lines) == 3
    assert not any(secret in "".join(lines) for secret in ("too-short", KEY, "pw"))


@pytest.mark.parametrize(
    ("name", "value", "wrong", "right"),
    [
        ("PROFILE", "otka", "'otka' is not accepted", "open, okta or okta-2021"),
        ("HOST", "1.2.3", "neither an IP address nor a host name", "to listen on"),
        ("HOST", "http://me", "neither an IP address nor a host name", "to listen on"),
        ("PORT", "65536", "'65536' is not accepted", "0 (any free one) to 65535"),
        ("PORT", "http", "'http' is not accepted", "a port number"),
        ("PUBLIC_URL", "hooks.example.com", "does not begin with https://", "https://hooks.example.com"),
        ("PUBLIC_URL", "https://h.example/a", "more than scheme, host and port", "without a path"),
        ("PUBLIC_URL", "https://u@h.example", "holds a user name", "a URL such as"),
        ("PUBLIC_URL", "https://h.example:99999", "is not a URL", "a URL such as"),
        ("PUBLIC_URL", "https://", "has no proper host", "a URL such as"),
        ("LOG_LEVEL", "loud", "'loud' is not accepted", "debug, info, warning or error"),
        ("DEV", "maybe", "'maybe' is not accepted", "1 (on) or 0 (off)"),
        ("SECRET_KEYS", "Zm9v", "a key of 3 bytes", "32 bytes in URL-safe base64"),
        ("SECRET_KEYS", "???", "not URL-safe base64", "32 bytes in URL-safe base64"),
        ("BOOTSTRAP_TOKEN", "short", "is too short", "20 to 200 characters"),
        ("BOOTSTRAP_TOKEN", "with a blank, and long enough", "other characters", "letters, digits"),
        ("OAUTH_ISSUERS", "id.example.com", "'id.example.com', which is no https:// URL", "issuers such as"),
        ("OAUTH_ISSUERS", "https://u@id.example.com", "a user name, query or fragment", "issuers such as"),
        ("OAUTH_ISSUERS", "https://id.example.com/?a=1", "a user name, query or fragment", "issuers such as"),
        ("OAUTH_ISSUERS", "https://id.example.com 42", "'42', which is no org's id", "issuers such as"),
        ("OAUTH_ISSUERS", "https://a.example,https://a.example 00o1", "names an issuer twice", "issuers such as"),
        ("OAUTH_AUDIENCE", "a\nb", "not printable", "https://hooks.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "10.0.0.1/8 has host bits set", "networks such as"),
        ("TRUSTED_PROXIES", "10.0.0.1,proxy", "'proxy'", "networks such as"),
        ("EGRESS_ALLOW", "10.0.0.1/8", "10.0.0.1/8 has host bits set", "networks such as"),
        ("EGRESS_ALLOW", "10.0.0.0/8,intranet", "'intranet' is not a network", "networks such as"),
        ("EGRESS_ALLOW", "10.0.0.0/8:0", "the port must be 1 to 65535", "networks such as"),
        ("EGRESS_ALLOW", "10.0.0.0/8:", "'10.0.0.0/8:'", "networks such as"),
        ("EGRESS_ALLOW", "[fd00::/8]9000x", "'[fd00::/8]9000x'", "[fd00::/8]:9000"),
        ("EGRESS_ALLOW", "169.254.169.254/32", "metadata", "networks such as"),
        ("EGRESS_CA_FILE", "/no/such/file", "No such file", "PEM certificates"),
        ("EGRESS_CA_FILE", __file__, "holds no certificate", "PEM certificates"),
        ("USER_AGENT", "a\nb", "not printable ASCII", "printable ASCII"),
        ("DELIVERY_RETRY", "often", "'often' is not accepted", "okta, okta-2021 or durable"),
        ("DELIVERY_TIMEOUT_SECONDS", "nan", "'nan' is not accepted", "1 to 30"),
        ("DELIVERY_TIMEOUT_SECONDS", "3s", "'3s' is not accepted", "a number of seconds"),
        ("DELIVERY_MAX_EVENTS_PER_REQUEST", "1001", "'1001' is not accepted", "1 to 1000"),
        ("DELIVERY_MAX_CONCURRENCY", "0", "'0' is not accepted", "1 to 256"),
        ("LIMIT_EVENT_HOOKS", "0", "'0' is not accepted", "from 1, or unlimited"),
        ("RETENTION_LOG_DAYS", "forever", "'forever' is not accepted", "a whole number of days"),
    ],
)
def test_a_wrong_value_is_told_in_one_line(name: str, value: str, wrong: str, right: str) -> None:
    [line] = problems(**{name: value})
    assert line.startswith(f"TENTERHOOK_{name}: ")
    assert wrong in line
    assert right in line.partition(" It must be ")[2]


def test_all_problems_are_told_at_once_each_as_it_was_written(tmp_path: Path) -> None:
    config = toml(tmp_path, 'log_level = "loud"\nport = true\n[limits]\nhooks = 3\n')
    lines = problems(options={"data_dir": 7, "prot": 1}, config=config, PROFILE="x", RETENTION_DAYS="9")
    assert [line.partition(": ")[0] for line in lines if not line.startswith(str(config))] == [
        "TENTERHOOK_RETENTION_DAYS",
        "--prot",
        "TENTERHOOK_PROFILE",
        "--data",
    ]
    assert [line.split(": ")[1] for line in lines if line.startswith(str(config))] == ["limits", "port", "log_level"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("TENTERHOOK_PROT", "TENTERHOOK_PORT"),
        ("TENTERHOOK_DATADIR", "TENTERHOOK_DATA_DIR"),
        ("TENTERHOOK_Port", "TENTERHOOK_PORT"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_name_that_was_meant(written: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{written}: there is no such setting\. Did you mean {meant}\?$"):
        load_settings({}, {written: "1"})


def test_an_unknown_name_like_no_other_is_pointed_to_the_list() -> None:
    assert problems(ZZZ="1") == ["TENTERHOOK_ZZZ: there is no such setting. config.default.toml lists all settings."]


def test_a_planned_setting_is_refused_as_not_there_yet() -> None:
    [line] = problems(EGRESS_PROXY="http://proxy:3128")
    assert "not supported yet" in line


@pytest.mark.parametrize(
    ("raw", "wrong"), [(b"port = ", "is not TOML"), (b"\xff", "is not UTF-8"), (None, "cannot be read (No such file")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, raw: bytes | None, wrong: str) -> None:
    config = tmp_path / "own.toml"
    if raw is not None:
        config.write_bytes(raw)
    [line] = problems(config=config)
    assert line.startswith(f"{config}: ")
    assert wrong in line

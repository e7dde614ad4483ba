"""Security checks F: what a hook's headers may be. The ids are the rows of that table."""

from __future__ import annotations

import pytest

from tenterhook.domain.http_header import header_problems, name_problem, value_problem

RESERVED = [
    *("Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Trailer", "Expect", "Proxy-X"),
    *("Proxy-Authorization", "Cookie", "Forwarded", "X-Forwarded-For", "Metadata-Flavor", "Metadata", "webhook-id"),
    *(
        "X-aws-ec2-metadata-token",
        "X-aws-ec2-metadata-token-ttl-seconds",
        "x-okta-request-id",
        "Content-Type",
        "ACCEPT",
    ),
]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a\r\nX-Evil: 1", id="106-crlf"),
        pytest.param("a\nb", id="106-lf"),
        pytest.param("a\rb", id="106-cr"),
        pytest.param("a\x00b", id="107"),
        pytest.param("a\u2028b", id="108-line-separator"),
        pytest.param("é", id="108-latin"),
        pytest.param("😀", id="108-emoji"),
        pytest.param("a\x7f", id="108-delete"),
        pytest.param("a" * 8192, id="111-8-kb"),
        pytest.param(" secret", id="leading-space"),
    ],
)
def test_a_bad_value_is_named_by_its_place_and_never_repeated(value):
    (problem,) = header_problems([("X-Ok", "fine"), ("X-Bad", value)], "channel.config.headers")
    assert problem.startswith("channel.config.headers[1].value: must ")
    assert value not in problem


@pytest.mark.parametrize(
    "name",
    [
        *(
            pytest.param(name, id=f"109-{n}")
            for n, name in enumerate(["X Y", "X:Y", "", "X\r\nY", "a" * 257, "é", "X\x00"])
        ),
        *(pytest.param(name, id=f"110-{name}") for name in RESERVED),
    ],
)
def test_a_bad_name_is_refused(name):
    (problem,) = header_problems([(name, "x")], "h")
    assert problem.startswith("h[0].key: ")
    assert "\n" not in problem


def test_row_111_duplicate_names_and_too_many_headers_are_refused():
    assert header_problems([("X-A", "1"), ("x-a", "2")], "h") == [
        "h[1].key: is the same header name as that of h[0] (case does not matter)"
    ]
    many = [(f"X-{n}", "v") for n in range(26)]
    assert header_problems(many, "h") == ["h: must be at most 25 headers, there are 26"]
    assert header_problems(many[:25], "h") == []


def test_each_problem_is_told():
    assert len(header_problems([("X Y", "é"), ("Host", "a\n")], "h")) == 4


@pytest.mark.parametrize("name", ["Authorization", "authorization", "X-Other-Header", "a" * 256, "X_Y.z~"])
def test_a_good_name_is_accepted(name):
    assert name_problem(name) is None


@pytest.mark.parametrize("value", ["", "${api-key}", "Bearer a b\tc", "~!@#", "a" * 4096])
def test_a_good_value_is_accepted(value):
    assert value_problem(value) is None

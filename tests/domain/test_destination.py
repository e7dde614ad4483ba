"""Security checks A, B and C: what a hook's URI may be. The ids are the rows of that table."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenterhook.domain.address import Access, DestinationRules, judge, parse_allowed_network
from tenterhook.domain.destination import Destination, DestinationError, parse_destination

PUBLIC = DestinationRules()
DEV = DestinationRules(dev=True)

REFUSED_LITERALS = {
    "1": ["https://127.0.0.1/"],
    "2": ["https://127.255.255.254/"],
    "3": ["https://0.0.0.0/", "https://0/"],
    "4": ["https://0.1.2.3/"],
    "5": ["https://10.0.0.1/"],
    "6": ["https://172.16.0.1/", "https://172.31.255.255/"],
    "7": ["https://192.168.1.1/"],
    "8": ["https://100.64.0.1/", "https://100.127.255.254/"],
    "9": ["https://100.100.100.200/"],
    "10": ["https://169.254.169.254/latest/meta-data/"],
    "11": ["https://169.254.170.2/v2/credentials", "https://169.254.170.23/"],
    "12": ["https://192.0.0.192/"],
    "13": ["https://168.63.129.16/"],
    "14": ["https://192.0.2.1/", "https://198.51.100.1/", "https://203.0.113.1/"],
    "15": ["https://198.18.0.1/"],
    "16": ["https://192.88.99.1/"],
    "17": ["https://224.0.0.1/", "https://239.255.255.250/"],
    "18": ["https://240.0.0.1/"],
    "19": ["https://255.255.255.255/"],
    "20": ["https://[::1]/", "https://[0:0:0:0:0:0:0:1]/"],
    "21": ["https://[::]/"],
    "22": ["https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/"],
    "23": ["https://[::ffff:169.254.169.254]/", "https://[::ffff:a9fe:a9fe]/"],
    "24": ["https://[::127.0.0.1]/", "https://[::7f00:1]/"],
    "25": ["https://[::ffff:0:127.0.0.1]/", "https://[::ffff:0:7f00:1]/"],
    "26": ["https://[64:ff9b::7f00:1]/", "https://[64:ff9b::a9fe:a9fe]/"],
    "27": ["https://[64:ff9b:1::7f00:1]/"],
    "28": ["https://[2002:7f00:1::]/", "https://[2002:a9fe:a9fe::]/"],
    "29": ["https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", "https://[2001::5601:5601]/"],
    "30": ["https://[fe80::1]/"],
    "31": ["https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[::1%25lo]/"],
    "32": ["https://[fec0::1]/"],
    "33": ["https://[fc00::1]/", "https://[fd00:ec2::254]/", "https://[fd20:ce::254]/"],
    "34": ["https://[ff02::1]/"],
    "35": [
        f"https://[{address}]/"
        for address in ["100::1", "2001:db8::1", "3fff::1", "5f00::1", "2001:2::1", "2001:10::1", "2001:20::1"]
    ],
    "36": ["https://[4000::1]/"],
    "37-deny-anyway": ["https://192.0.0.9/"],
}

ACCEPTED_LITERALS = {
    "6": ["172.32.0.1", "172.15.255.255"],
    "8": ["100.63.255.254", "100.128.0.1"],
    "37": ["8.8.8.8", "1.1.1.1", "[2606:4700:4700::1111]", "[2001:4860:4860::8888]"],
}

REFUSED_DISGUISES = {
    "38": ["https://2130706433/"],
    "39": ["https://0x7f000001/", "https://0x7f.1/", "https://0x7f.0x0.0x0.0x1/", "https://0X7F.1/"],
    "40": ["https://017700000001/", "https://0177.0.0.1/", "https://127.0.0.01/", "https://8.8.8.08/"],
    "41": ["https://127.1/", "https://127.0.1/", "https://169.254.43518/", "https://8.8/"],
    "42": ["https://0xa9fea9fe/"],
    "43": ["https://①②⑦.⓪.⓪.①/", "https://１２７.0.0.1/", "https://８.8.8.8/"],
    "44": ["https://127。0。0。1/", "https://8。8。8。8/", "https://ex。com/"],
    "45": ["https://ⓛocalhost/", "https://ⓔxample.com/"],
    "46": [
        f"https://{host}/"
        for host in ["LOCALHOST", "localhost.", "localhost.localdomain", "ip6-localhost", "a.localhost"]
    ],
    "47": ["https://127.0.0.1\x00.evil.com/"],
    "48": ["https://127.0.0.1%00.ex.com/", "https://%31%32%37.0.0.1/"],
    "49": ["https://xn--/", "https://xn--a/", "https://xn--ls8h.example/", "https://a.xn--a.com/"],
    "51": ["https://ex.com／@a/", "https://ex.com／a/"],
    "52": [
        *("https://" + "a" * 64 + ".com/", "https://" + ".".join(["a" * 62] * 4) + "aa/"),
        *("https://ex..com/", "https://.ex.com/", "https://-ex.com/", "https://ex-.com/", "https://ex.com./"),
    ],
    "53": [
        f"https://{host}/"
        for host in [
            *("metadata.google.internal", "metadata", "instance-data", "a.internal", "a.local", "a.lan"),
            *("a.home.arpa", "a.svc.cluster.local", "a.onion", "a.test", "a.invalid", "db"),
        ]
    ],
}

REFUSED_CONFUSION = {
    "55": ["https://good.com@127.0.0.1/", "https://u:p@good.com/", "https://@good.com/"],
    "56": ["https://good.com\\@127.0.0.1/", "https://127.0.0.1\\@good.com/"],
    "57": ["https://127.0.0.1#@good.com/", "https://good.com#x", "https://good.com/#"],
    "58": ["https://good.com?@127.0.0.1/", "https://ex.com;@127.0.0.1/", "https://ex.com;a/"],
    "59": ["https://good.com:80@127.0.0.1:22/", "https://127.0.0.1:80%23@good.com/"],
    "60": ["\thttps://127.0.0.1/", " https://x/", "https://exa\nmple.com/", "https://ex.com/\x7f", "https://ex.com/ "],
    "61": ["https://ex.com/\r\nX: y"],
    "62": ["https:127.0.0.1/", "https:///x", "//ex.com/", "ex.com/", "", None, {}, 12, True, ["https://ex.com"]],
    "63": ["http://ex.com/"],
    "64": [
        *("file:///etc/passwd", "gopher://127.0.0.1:6379/_SET", "ftp://ex.com/", "dict://ex.com/", "ldap://ex.com/"),
        *("unix:///run/x.sock", "http+unix://ex.com/", "data:text/plain,x", "javascript:alert(1)", "HTTPS+x://ex.com/"),
        "jar:https://ex.com!/",
    ],
    "65": [
        f"https://ex.com:{port}/"
        for port in ["0", "65536", "٨٠", "+80", "8_0", "-1", "443:443", "", "0443", "4 43", "99999999999999999999"]
    ],
    "66": [f"https://ex.com:{port}/" for port in [22, 25, 53, 80, 5432, 6379, 11211, 4222, 2375, 10250, 1023, 6667]],
    "67": ["https://[127.0.0.1]/", "https://a[::1]b/", "https://[v1.a]/", "https://[::1", "https://::1/", "https://]/"],
    "68": ["https://ex.com/" + "a" * 1010, "https://ex.com/" + "a" * 65521],
    "69": ["https://ex.com/é", "https://ex.com/a b", "https://ex.com/%zz", "https://ex.com/%", "https://ex.com/<x>"],
}


def rows(table):
    return [pytest.param(uri, id=f"{row}-{n}") for row, uris in table.items() for n, uri in enumerate(uris)]


@pytest.mark.parametrize("uri", rows({**REFUSED_LITERALS, **REFUSED_DISGUISES, **REFUSED_CONFUSION}))
def test_a_uri_that_may_not_be_called_is_refused_in_one_sentence(uri):
    with pytest.raises(DestinationError) as caught:
        parse_destination(uri, PUBLIC)
    text = str(caught.value)
    assert text
    assert "\n" not in text
    assert text.startswith(("must ", "has "))


@pytest.mark.parametrize("host", rows(ACCEPTED_LITERALS))
def test_a_public_literal_is_accepted(host):
    destination = parse_destination(f"https://{host}/x", PUBLIC)
    assert destination.address == ip_address(host.strip("[]"))
    assert destination.host_header == host


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param(
            "https://www.YOURSSLSECUREURLENDPOINT",
            Destination("https", "www.yoursslsecureurlendpoint", 443, "/"),
            id="G15-the-guide's-own-body",
        ),
        pytest.param("HTTPS://EX.com", Destination("https", "ex.com", 443, "/"), id="scheme-in-capitals"),
        pytest.param("https://ex_am.com/", Destination("https", "ex_am.com", 443, "/"), id="52-underscore"),
        pytest.param("https://a--b.ex.com/", Destination("https", "a--b.ex.com", 443, "/"), id="two-hyphens"),
        pytest.param("https://ex.com:8443/", Destination("https", "ex.com", 8443, "/"), id="66-8443"),
        pytest.param("https://ex.com:9000/", Destination("https", "ex.com", 9000, "/"), id="66-9000"),
        pytest.param(
            "https://ex.com/%0d%0aX:y", Destination("https", "ex.com", 443, "/%0d%0aX:y"), id="69-verbatim-crlf"
        ),
        pytest.param("https://ex.com/a%00b", Destination("https", "ex.com", 443, "/a%00b"), id="69-verbatim-nul"),
        pytest.param("https://ex.com/../../x", Destination("https", "ex.com", 443, "/../../x"), id="69-dots"),
        pytest.param("https://ex.com/a?b=@:/?", Destination("https", "ex.com", 443, "/a?b=@:/?"), id="query"),
        pytest.param("https://аpple.com/", Destination("https", "xn--pple-43d.com", 443, "/"), id="50"),
        pytest.param("https://MÜNCHEN.de/", Destination("https", "xn--mnchen-3ya.de", 443, "/"), id="49-valid"),
        pytest.param(
            "https://XN--MNCHEN-3YA.de/", Destination("https", "xn--mnchen-3ya.de", 443, "/"), id="49-a-label"
        ),
        pytest.param("https://10.0.0.1.nip.io/", Destination("https", "10.0.0.1.nip.io", 443, "/"), id="54"),
        pytest.param("https://localtest.me/", Destination("https", "localtest.me", 443, "/"), id="54-2"),
        pytest.param("https://hooks.example/", Destination("https", "hooks.example", 443, "/"), id="81-name"),
        pytest.param(
            "https://ex.com/" + "a" * 1009, Destination("https", "ex.com", 443, "/" + "a" * 1009), id="68-exactly-1024"
        ),
    ],
)
def test_a_good_uri_is_read_as_it_stands(uri, expected):
    assert parse_destination(uri, PUBLIC) == expected


def test_a_host_in_other_scripts_is_shown_in_both_forms():
    destination = parse_destination("https://аpple.com/", PUBLIC)
    assert destination.display_host == "xn--pple-43d.com (аpple.com)"
    assert parse_destination("https://apple.com/", PUBLIC).display_host == "apple.com"


def test_the_host_field_names_the_port_only_if_it_is_not_the_schemes_own():
    assert parse_destination("https://ex.com:443/", PUBLIC).host_header == "ex.com"
    assert parse_destination("https://ex.com:8443/", PUBLIC).host_header == "ex.com:8443"
    six = parse_destination("https://[2606:4700:4700::1111]:8443/x", PUBLIC)
    assert six.host_header == "[2606:4700:4700::1111]:8443"
    assert six.url == "https://[2606:4700:4700::1111]:8443/x"
    assert parse_destination("http://127.0.0.1/", DEV).host_header == "127.0.0.1"


def test_development_opens_plain_http_loopback_and_single_words():
    assert parse_destination("http://localhost:9000/hook", DEV).scheme == "http"
    assert parse_destination("http://ex.com/", DEV).port == 80
    assert parse_destination("http://[::1]:9000/", DEV).address == ip_address("::1")
    with pytest.raises(DestinationError):
        parse_destination("http://10.0.0.1:9000/", DEV)
    with pytest.raises(DestinationError):
        parse_destination("http://127.0.0.1:6000/", DEV)


@pytest.mark.parametrize(
    ("uri", "rules", "words"),
    [
        ("http://ex.com/", PUBLIC, ["start the server with --dev", "in a program with dev=True"]),
        ("https://printer.lan/", PUBLIC, ["--dev (in a program: dev=True)", "TENTERHOOK_EGRESS_ALLOW"]),
        ("https://127.0.0.1/", PUBLIC, ["--dev", "TENTERHOOK_EGRESS_ALLOW"]),
        ("https://10.0.0.1/", PUBLIC, ["--dev", "TENTERHOOK_EGRESS_ALLOW"]),
        ("ex.com/hook", PUBLIC, ["must begin with https://,"]),
        ("ex.com/hook", DEV, ["must begin with https:// or http://,"]),
        ("ftp://ex.com/hook", DEV, ["must begin with https:// or http://, not with ftp://"]),
    ],
)
def test_a_refusal_names_the_switch_that_would_open_it(uri, rules, words):
    with pytest.raises(DestinationError) as refused:
        parse_destination(uri, rules)
    assert all(word in str(refused.value) for word in words)


def test_an_allowed_network_opens_its_addresses_names_and_port():
    rules = DestinationRules(allow=(parse_allowed_network("10.0.0.0/8:81"), parse_allowed_network("fd00::/8")))
    assert parse_destination("https://10.0.0.1:81/", rules).port == 81
    assert parse_destination("https://[fd00::1]/", rules).port == 443
    assert parse_destination("https://db/", rules).host == "db"
    assert parse_destination("https://a.internal:81/", rules).port == 81
    for closed in ["https://10.0.0.1/", "https://8.8.8.8:81/", "https://[fd00::1]:81/", "http://10.0.0.1:81/"]:
        with pytest.raises(DestinationError):
            parse_destination(closed, rules)


def test_row_70_our_own_name_and_listen_sockets_are_refused_even_in_development():
    rules = DestinationRules(
        dev=True,
        own_addresses=(("127.0.0.1", 8080), ("0.0.0.0", 8081)),
        own_names=(("hooks.example.com", 443),),
    )
    for own in ["http://127.0.0.1:8080/", "http://127.3.4.5:8081/", "http://[::1]:8081/", "https://HOOKS.example.com/"]:
        with pytest.raises(DestinationError):
            parse_destination(own, rules)
    assert parse_destination("http://127.0.0.1:9000/", rules).port == 9000
    assert parse_destination("https://hooks.example.com:8443/", rules).port == 8443


EVERYTHING = DestinationRules(
    allow=(parse_allowed_network("0.0.0.0/0"), parse_allowed_network("::/0")), own_addresses=(("10.0.0.9", 8080),)
)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *(
            "240.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "fe80::1%lo",
            "2606:4700::1%lo",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::",
            "ff02::1",
        ),
        *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b::168.63.129.16", "2002:7f00:1::", "2001::1"),
        *("::127.0.0.1", "::ffff:0:7f00:1", "64:ff9b:1::7f00:1", "fec0::1", "4000::1", "5f00::1"),
    ],
)
def test_metadata_link_local_and_disguises_stay_closed_even_if_everything_is_allowed(text):
    assert judge(ip_address(text), 443, EVERYTHING).access is Access.BLOCKED


@pytest.mark.parametrize(
    "text", ["10.0.0.1", "127.0.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"]
)
def test_an_allowed_private_address_is_told_apart_from_a_public_one(text):
    assert judge(ip_address(text), 443, EVERYTHING).access is Access.PRIVATE_ALLOWED
    assert judge(ip_address("8.8.8.8"), 443, EVERYTHING).access is Access.ALLOWED


def test_own_listen_sockets_stay_closed_inside_an_allowed_network():
    assert judge(ip_address("10.0.0.9"), 8080, EVERYTHING).access is Access.BLOCKED
    assert judge(ip_address("::ffff:10.0.0.9"), 8080, EVERYTHING).access is Access.BLOCKED
    assert judge(ip_address("10.0.0.9"), 8443, EVERYTHING).access is Access.PRIVATE_ALLOWED


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x", "not a network"),
        ("10.0.0.1/8", "host bits"),
        ("10.0.0.0/8:22", "port 22"),
        ("10.0.0.0/8:70000", "1 to 65535"),
        ("169.254.169.254", "stay closed"),
        ("fe80::/10", "stay closed"),
        ("[10.0.0.1", "not a network"),
        ("", "not a network"),
    ],
)
def test_an_allowed_network_that_is_none_is_refused_with_a_sentence(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        parse_allowed_network(text)


def test_allowed_networks_are_read_in_every_form():
    read = [parse_allowed_network(t) for t in ["10.0.0.0/8", "10.1.2.3:9000", "fd00::/8", "[fd00::1]:9000", "::1"]]
    assert [(str(n.network), n.port) for n in read] == [
        ("10.0.0.0/8", None),
        ("10.1.2.3/32", 9000),
        ("fd00::/8", None),
        ("fd00::1/128", 9000),
        ("::1/128", None),
    ]


@given(st.text(max_size=60) | st.text("htps:/@[].0123456789%xｅ。\\?#_-", max_size=40).map("https://".__add__))
def test_no_text_whatever_raises_anything_but_a_destination_error(text):
    try:
        destination = parse_destination(text, PUBLIC)
    except DestinationError:
        return
    assert parse_destination(destination.url, PUBLIC) == destination


@given(st.ip_addresses())
def test_an_address_is_only_public_if_the_standard_library_does_not_call_it_private(address):
    if judge(address, 443, PUBLIC).access is Access.ALLOWED:
        assert not address.is_private
        assert not address.is_multicast
        assert not address.is_loopback


def test_an_address_that_is_closed_in_development_is_not_advised_development() -> None:
    uri = "https://169.254.169.254/latest/meta-data/"
    with pytest.raises(DestinationError, match="open this machine with --dev, private networks with TENTERHOOK"):
        parse_destination(uri, PUBLIC)
    with pytest.raises(
        DestinationError, match=r"\(the operator can open private networks with TENTERHOOK_EGRESS_ALLOW\)"
    ):
        parse_destination(uri, DEV)

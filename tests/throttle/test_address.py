"""The address that a visitor is counted under, whatever the headers claim."""

import logging

import pytest

from voucher_payment_gateway.throttle import _address
from voucher_payment_gateway.throttle._address import address_of

PROXIES = ["10.0.0.0/8", "2001:db8:ffff::/48"]


def seen(peer, forwarded=None, proxies=PROXIES):
    meta = {} if peer is None else {"REMOTE_ADDR": peer}
    return address_of(meta if forwarded is None else {**meta, "HTTP_X_FORWARDED_FOR": forwarded}, proxies)


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("93.184.216.34", "93.184.216.34"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:93.184.216.34", "93.184.216.34"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        (None, "unknown"),
        ("/run/shop.sock", "unknown"),
    ],
)
def test_the_peer_is_the_visitor(peer, expected):
    assert seen(peer) == expected


def test_two_addresses_of_one_ipv6_network_are_one_visitor():
    assert seen("2001:db8:1:2::1") == seen("2001:db8:1:2:ffff:ffff:ffff:ffff")
    assert seen("2001:db8:1:2::1") != seen("2001:db8:1:3::1")


def test_nobody_but_a_trusted_proxy_is_believed():
    assert seen("93.184.216.34", "198.51.100.1") == "93.184.216.34"
    assert seen("10.0.0.1", "198.51.100.1", proxies=[]) == "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("198.51.100.1, 10.2.3.4", "198.51.100.1"),
        ("198.51.100.1,2001:db8:ffff::1", "198.51.100.1"),
        ("10.9.9.9, 10.2.3.4", "10.9.9.9"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("198.51.100.1, ::ffff:10.2.3.4", "198.51.100.1"),
        ("198.51.100.1:4711", "198.51.100.1"),
        ("[2001:db8:1:2::9]:4711", "2001:db8:1:2::/64"),
    ],
)
def test_behind_a_trusted_proxy_the_right_most_untrusted_address_counts(forwarded, expected):
    assert seen("10.0.0.1", forwarded) == expected


@pytest.mark.parametrize(
    "forged", ["1.1.1.1", "1.1.1.1, 2.2.2.2", "nonsense", "", ",,,", "10.1.1.1", "x" * 9000]
)
def test_what_a_visitor_writes_into_the_header_changes_nothing(forged):
    assert seen("10.0.0.1", f"{forged}, 198.51.100.1") == "198.51.100.1"


@pytest.mark.parametrize(
    "header", ["", " ", "nonsense", "1.1.1.1, nonsense", "unknown", "1.2.3", "[", "9" * 9000, "\x00", ", ,"]
)
def test_a_header_that_cannot_be_read_counts_for_the_proxy(header):
    assert seen("10.0.0.1", header) == "10.0.0.1"
    assert seen("10.0.0.1") == "10.0.0.1"


def test_a_socket_is_believed_only_where_the_shop_says_so():
    assert seen("", "198.51.100.1") == "unknown"
    assert seen("", "198.51.100.1", ["unix"]) == "198.51.100.1"
    assert seen("", "1.1.1.1, 198.51.100.1, 10.0.0.2", ["unix", *PROXIES]) == "198.51.100.1"
    assert seen("", "nonsense", ["unix"]) == "unknown"
    assert seen("93.184.216.34", "198.51.100.1", ["unix"]) == "93.184.216.34"


def test_a_proxy_that_nobody_named_is_told_of_once(caplog):
    _address._warn.cache_clear()
    for _ in range(3):
        seen("127.0.0.1", "198.51.100.1", proxies=[])
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "trusted_proxies" in caplog.text
    assert "198.51" not in caplog.text


def test_a_visitor_who_forges_a_header_is_no_proxy(caplog):
    _address._warn.cache_clear()
    seen("93.184.216.34", "198.51.100.1")
    assert caplog.records == []


# Forwarded, RFC 7239


def seen_in(forwarded=None, x_forwarded_for=None, *, peer="10.0.0.1", header=None):
    headers = {"HTTP_FORWARDED": forwarded, "HTTP_X_FORWARDED_FOR": x_forwarded_for}
    sent = {name: value for name, value in headers.items() if value is not None}
    return address_of({"REMOTE_ADDR": peer, **sent}, PROXIES, header)


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("for=198.51.100.1", "198.51.100.1"),
        ("For=198.51.100.1", "198.51.100.1"),
        ('for="198.51.100.1"', "198.51.100.1"),
        ('for="198.51.100.1:4711"', "198.51.100.1"),
        ('for="198.51.100.1:_hidden"', "198.51.100.1"),
        ("for=198.51.100.1:4711", "198.51.100.1"),
        ('for="[2001:db8:1:2::9]"', "2001:db8:1:2::/64"),
        ('for="[2001:db8:1:2::9]:4711"', "2001:db8:1:2::/64"),
        ('for="[::ffff:198.51.100.1]"', "198.51.100.1"),
        (r'for="\198.51.100.1"', "198.51.100.1"),
        ("for=198.51.100.1;proto=https;by=10.0.0.2;host=shop.example", "198.51.100.1"),
        ("proto=https; by=10.0.0.2 ;for=198.51.100.1", "198.51.100.1"),
        ('for=198.51.100.1;host="a,for=1.1.1.1"', "198.51.100.1"),
        (r'for=198.51.100.1;host="a,for=\"1.1.1.1"', "198.51.100.1"),
        ("for=1.1.1.1, for=198.51.100.1", "198.51.100.1"),
        ("for=198.51.100.1,for=10.2.3.4", "198.51.100.1"),
        ('for=198.51.100.1, for="[2001:db8:ffff::1]:80";proto=http', "198.51.100.1"),
        ("for=10.9.9.9, for=10.2.3.4", "10.9.9.9"),
    ],
)
def test_the_forwarded_header_is_read_as_well(forwarded, expected):
    assert seen_in(forwarded) == expected


@pytest.mark.parametrize(
    "forged",
    [
        'for="',
        'for="1.1.1.1',
        r'for="\ ',
        "for=1.1.1.1",
        "for=_hidden",
        "nonsense",
        "",
        ";;;",
        'host=",',
        "for=1.1.1.1;for=2.2.2.2",
        ",for=" * 3000,
        '"' * 9000,
    ],
)
@pytest.mark.parametrize("ours", ["for=198.51.100.1", 'for="198.51.100.1:80";by="[2001:db8:ffff::1]"'])
def test_what_a_visitor_writes_into_forwarded_changes_nothing(forged, ours):
    assert seen_in(f"{forged}, {ours}") == "198.51.100.1"


@pytest.mark.parametrize(
    "header",
    [
        "for=unknown",
        "for=_hidden",
        'for="_hidden:4711"',
        "proto=https",
        "for=1.1.1.1, proto=https",
        "for=1.1.1.1, for=_hidden",
        "for=1.1.1.1;for=2.2.2.2",
        "for=1.1.1.1 2.2.2.2",
        "for = 1.1.1.1",
        "for=",
        'for="',
        "198.51.100.1",
        "for=2001:db8:1:2::9x",
        ";",
        ",",
        " ",
        "for=1.1.1.1;",
    ],
)
def test_an_element_that_is_hidden_or_cannot_be_read_counts_for_the_proxy(header):
    assert seen_in(header) == "10.0.0.1"


def test_nobody_but_a_trusted_proxy_is_believed_with_forwarded_either():
    assert seen_in("for=198.51.100.1", peer="93.184.216.34") == "93.184.216.34"


def test_two_headers_that_agree_are_believed():
    assert seen_in("for=198.51.100.1;proto=https", "1.1.1.1, 198.51.100.1") == "198.51.100.1"


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, "10.0.0.1"), ("X-Forwarded-For", "198.51.100.1"), ("Forwarded", "93.184.216.34")],
)
def test_of_two_headers_that_differ_only_the_one_that_the_shop_names_is_believed(header, expected):
    """A proxy passes the header that it does not write itself on as the visitor has sent it."""
    assert seen_in("for=93.184.216.34", "198.51.100.1", header=header) == expected


def test_a_header_that_the_shop_does_not_name_is_not_read():
    assert seen_in("for=198.51.100.1", header="X-Forwarded-For") == "10.0.0.1"
    assert seen_in(None, "198.51.100.1", header="Forwarded") == "10.0.0.1"


def test_a_proxy_that_nobody_named_is_told_of_where_it_writes_forwarded(caplog):
    _address._warn.cache_clear()
    address_of({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=198.51.100.1"}, [])
    assert "trusted_proxies" in caplog.text

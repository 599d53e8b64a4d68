"""Which addresses stay on this machine."""

import pytest

from core.domain.addresses import OPENAI, host_of, is_loopback, server_of


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (OPENAI, "api.openai.com"),
        ("http://localhost:8000/v1", "localhost"),
        ("http://LocalHost/v1", "localhost"),
        ("https://127.0.0.1", "127.0.0.1"),
        ("http://[::1]:8000/v1", "::1"),
        ("http://user:word@example.org/v1", "example.org"),
        ("http://localhost@example.org/v1", "example.org"),
        ("http://localhost.example.org", "localhost.example.org"),
        ("localhost:8000", ""),
        ("ftp://example.org", ""),
        ("file:///etc/passwd", ""),
        ("http://", ""),
        ("http://[::1", ""),
        ("", ""),
    ],
)
def test_the_host_of_an_address(address, host):
    assert host_of(address) == host


@pytest.mark.parametrize(
    ("address", "server"),
    [
        (OPENAI, "api.openai.com"),
        ("http://127.0.0.1:8001/v1", "127.0.0.1:8001"),
        ("http://[::1]:8000/v1", "[::1]:8000"),
        ("http://user:word@Example.org:80/v1", "example.org:80"),
        ("http://localhost:eight/v1", "localhost"),
        ("localhost:8000", ""),
    ],
)
def test_the_server_of_an_address(address, server):
    assert server_of(address) == server


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1"])
def test_these_hosts_are_this_machine(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "example.org", "10.0.0.1", "192.168.1.5", "0.0.0.0", "128.0.0.1", "::2", "127.1",
     "localhost.example.org", "127.0.0.1.example.org", "2130706433"],
)  # fmt: skip
def test_every_other_host_may_be_another_machine(host):
    assert not is_loopback(host)

"""Where an address leads: to this machine, or out of it."""

import ipaddress
from urllib.parse import urlsplit

#: Where an OpenAI-compatible call goes when no address is given.
OPENAI = "https://api.openai.com/v1"


def host_of(address: str) -> str:
    """Host name of an http(s) address, lower case; '' if the text is no such address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https"):
        return ""
    return (parts.hostname or "").lower()


def server_of(address: str) -> str:
    """Host of an http(s) address with the port if it names one: which server, where a machine has
    several; '' if the text is no such address."""
    host = host_of(address)
    try:
        port = urlsplit(address).port
    except ValueError:
        return host
    if not host or port is None:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether a host name always means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Where somebody comes from, and what they need to come in for the first time."""

import secrets
import sys
from collections.abc import Iterable
from functools import cache

import streamlit as st

from core.domain.addresses import is_loopback
from core.i18n import sentence

_HERE = ("localhost", "127.0.0.1", "::1")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
#: Of this process; another start has another.
_CODE = "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def is_from_here(headers: Iterable[tuple[str, str]], peer: str | None) -> bool:
    """Tell whether a request comes from this machine itself, and through nothing in between.

    A name of another machine in `Host`, or a trace of a proxy, means that strangers may be behind.

    Args:
        peer: address of the other end; None where the server does not tell because it is here.
    """
    host = ""
    for name, value in headers:
        lowered = name.lower()
        if lowered in ("forwarded", "via", "x-real-ip") or lowered.startswith("x-forwarded-"):
            return False
        if lowered == "host":
            host = value
    return _name_of(host) in _HERE and (peer is None or is_loopback(peer))


def listens_beyond_here() -> bool:
    """Tell whether other machines can reach the server."""
    address = st.get_option("server.address")
    return not address or not is_loopback(address)


def base_path() -> str:
    """What stands before every path of this app where it is not served at the root; '' else."""
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


@cache
def first_code() -> str:
    """The code that the first person gives; it stands in the server's log, and nowhere else."""
    print(sentence("en", "sign_in.code_in_log", code=_CODE), file=sys.stderr, flush=True)
    return _CODE


def _name_of(host: str) -> str:
    """The name in a `Host` header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()

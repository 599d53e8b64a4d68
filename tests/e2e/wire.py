"""A wire between browser and server on which every byte that the server sends is kept."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

#: What a browser offers so that texts come packed; under another name it offers nothing.
_PACKING = (
    (b"accept-encoding:", b"x-accept-coding:"),
    (b"sec-websocket-extensions:", b"x" * 24 + b":"),
)


class Wire:
    """What went over a wire so far.

    Attributes:
        url: where a browser finds the server at the other end.
    """

    def __init__(self, url: str) -> None:
        self._target = (urlsplit(url).hostname, urlsplit(url).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._heard: list[bytearray] = []
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def text(self) -> str:
        """All that the server has sent, connection by connection."""
        return b"\n".join(bytes(one) for one in self._heard).decode("utf-8", errors="replace")

    def clear(self) -> None:
        """Forget what was sent so far."""
        for one in self._heard:
            one.clear()

    def close(self) -> None:
        """End all connections."""
        for one in self._open:
            _end(one)

    def _accept(self) -> None:
        while True:
            try:
                browser, _ = self._listener.accept()
            except OSError:  # closed
                return
            server = socket.create_connection(self._target)
            heard = bytearray()
            self._heard.append(heard)
            self._open += [browser, server]
            threading.Thread(target=_ask, args=(browser, server), daemon=True).start()
            threading.Thread(target=_answer, args=(server, browser, heard), daemon=True).start()


@contextmanager
def wire_to(url: str) -> Iterator[Wire]:
    """A wire to a server, for as long as a block lasts."""
    wire = Wire(url)
    try:
        yield wire
    finally:
        wire.close()


def _ask(browser: socket.socket, server: socket.socket) -> None:
    for data in _received(browser):
        for packed, plain in _PACKING:
            at = data.lower().find(packed)
            if at >= 0:
                data = data[:at] + plain + data[at + len(packed) :]
        with suppress(OSError):
            server.sendall(data)
    _end(server)


def _answer(server: socket.socket, browser: socket.socket, heard: bytearray) -> None:
    for data in _received(server):
        heard += data
        with suppress(OSError):
            browser.sendall(data)
    _end(browser)


def _received(one: socket.socket) -> Iterator[bytes]:
    """What comes until either side ends."""
    with suppress(OSError):
        while data := one.recv(1 << 16):
            yield data


def _end(one: socket.socket) -> None:
    """Wake who waits for it, and close it."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()

"""The server's part of a press: what a browser's page would say and hear, without a browser."""

import asyncio
import json
import random
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from tests.e2e.served import PASSWORD, Served

_SHEET = re.compile(r'class="sheet-place" data-response="(\d+)"')


class _StayHere(urllib.request.HTTPRedirectHandler):
    """A sign-in is answered by a redirect, whose cookie is all that is wanted."""

    def redirect_request(self, *_: object) -> None:
        return None


def socket_times(
    served: Served, names: Sequence[str], *, count: int, pause: float
) -> tuple[float, ...]:
    """Milliseconds from each press to the last message that draws the next response.

    Args:
        names: of physicians, who press at once.
        count: presses of each; five more come before, uncounted.
        pause: seconds between two presses of one, about.
    """
    for name in names:
        served.gives_account(name, "physician")
    return asyncio.run(_times(served.url, names, count, pause))


async def _times(url: str, names: Sequence[str], count: int, pause: float) -> tuple[float, ...]:
    sheets = [_Sheet(url) for _ in names]
    for sheet, name in zip(sheets, names, strict=True):
        await sheet.open(name)
    times = await asyncio.gather(*(sheet.press(5 + count, pause) for sheet in sheets))
    for sheet in sheets:
        await sheet.socket.close()
    return tuple(one for of_one in times for one in of_one[5:])


class _Sheet:
    """The scoring page as its socket knows it."""

    socket: ClientConnection

    def __init__(self, url: str) -> None:
        self._url = url
        self._page, self._fragment, self._field, self._shown = "", "", "", 0

    async def open(self, name: str) -> None:
        cookie = await asyncio.to_thread(_signed_in, self._url, name)
        self.socket = await connect(
            f"{self._url.replace('http', 'ws')}/_stcore/stream", subprotocols=["streamlit"],
            additional_headers={"Cookie": cookie}, origin=self._url, max_size=None, proxy=None,
        )  # fmt: skip
        asked = self._asked()
        asked.rerun_script.page_name = "review"
        await self._say(asked)

    async def press(self, count: int, pause: float) -> list[float]:
        """Score one response after the other; how long each press took, in milliseconds."""
        times = []
        for number in range(count):
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))
            asked, before = self._asked(), self._shown
            asked.rerun_script.page_script_hash = self._page
            asked.rerun_script.fragment_id = self._fragment
            field = asked.rerun_script.widget_states.widgets.add(id=self._field)
            said = {
                "number": int(time.time() * 1000), "do": "score", "response": before,
                "value": str(1 + number % 5), "seconds": pause,
            }  # fmt: skip
            field.string_value = json.dumps([said])
            began = time.perf_counter()
            drawn = await self._say(asked)
            assert self._shown != before
            times.append(1000 * (drawn - began))
        return times

    def _asked(self) -> BackMsg:
        asked = BackMsg()
        asked.rerun_script.context_info.url = f"{self._url}/review"
        asked.rerun_script.context_info.locale = "en-US"
        return asked

    async def _say(self, asked: BackMsg) -> float:
        """Send something and hear the answer out; when the last of it came that draws."""
        await self.socket.send(asked.SerializeToString())
        drawn = 0.0
        while True:
            heard = ForwardMsg.FromString(await self.socket.recv(decode=False))
            kind = heard.WhichOneof("type")
            if kind == "script_finished":
                return drawn
            if kind == "new_session":
                self._page = heard.new_session.page_script_hash
            if kind == "delta":
                drawn = time.perf_counter()
                self._look_at(heard)

    def _look_at(self, heard: ForwardMsg) -> None:
        element = heard.delta.new_element
        if "presses" in element.text_input.id:
            self._field, self._fragment = element.text_input.id, heard.delta.fragment_id
        elif found := _SHEET.search(element.html.body):
            self._shown = int(found[1])


def _signed_in(url: str, name: str) -> str:
    """The cookie of a new session."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _StayHere)
    form = urllib.parse.urlencode({"person": name, "secret": PASSWORD}).encode()
    asked = urllib.request.Request(f"{url}/auth/login", form, {"Origin": url})
    try:
        opener.open(asked)
    except urllib.error.HTTPError as redirect:
        cookies = redirect.headers.get_all("set-cookie") or []
        return next(one for one in cookies if one.startswith("attending_session=")).split(";")[0]
    raise AssertionError("a sign-in is answered by a redirect")

"""The batch endpoint: a file of requests in, a file of answers out, within a day.

It is reached as single calls are: plain HTTP, the key from the environment, errors without the
endpoint's own words. What the limits are: https://platform.openai.com/docs/api-reference/batch
"""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import IO, Any

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    FormData,
)

from core.domain.addresses import host_of, is_loopback, server_of
from core.engines.batch_files import ENDPOINT, Answer, RemoteBatch, answer_of
from core.engines.complaints import Complaint, complaint_of
from core.errors import CallFailed, EngineStopped

#: A day is the only window there is.
_WINDOW = "24h"
#: Key of our token in a batch's metadata.
_TOKEN = "attending"
_PAGE = 100
_TIMEOUT = ClientTimeout(total=None, connect=30.0, sock_read=180.0)  # seconds


class OpenAIBatches:
    """The files and batches of one endpoint."""

    def __init__(self, address: str) -> None:
        key = os.environ.get("OPENAI_API_KEY", "")
        self._server = server_of(address)
        is_here = is_loopback(host_of(address))
        if not key and not is_here:
            raise EngineStopped("no_key", variable="OPENAI_API_KEY")
        self._address = address.rstrip("/")
        self._session = ClientSession(
            cookie_jar=DummyCookieJar(),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=_TIMEOUT,
            trust_env=not is_here,  # a proxy is another machine
        )

    async def upload(self, file: IO[bytes], name: str) -> str:
        """Id of an input file."""
        form = FormData()
        form.add_field("purpose", "batch")
        form.add_field("file", file, filename=name, content_type="application/jsonl")
        found = await self._told("POST", "/files", data=form)
        return self._text(found, "id")

    async def create(self, file_id: str, token: str) -> RemoteBatch:
        """Hand a file over.

        Raises:
            CallFailed: it may be there nevertheless; `find` tells.
        """
        content = {
            "input_file_id": file_id,
            "endpoint": ENDPOINT,
            "completion_window": _WINDOW,
            "metadata": {_TOKEN: token},
        }
        return self._batch(await self._told("POST", "/batches", json=content))

    async def find(self, token: str) -> RemoteBatch | None:
        """The batch with our token, of all that the endpoint has."""
        after = ""
        while True:
            params = {"limit": str(_PAGE)} | ({"after": after} if after else {})
            page = await self._told("GET", "/batches", params=params)
            found = page.get("data")
            if not isinstance(found, list):
                raise CallFailed("endpoint_empty", host=self._server)
            for one in found:
                if isinstance(one, dict) and (one.get("metadata") or {}).get(_TOKEN) == token:
                    return self._batch(one)
            if not found or not page.get("has_more"):
                return None
            after = self._text(found[-1], "id")

    async def look(self, batch_id: str) -> RemoteBatch | None:
        """A batch as it stands; None where the endpoint knows none of that id."""
        try:
            return self._batch(await self._told("GET", f"/batches/{batch_id}"))
        except EngineStopped as error:
            if error.code == "no_batch_endpoint":
                return None
            raise

    async def cancel(self, batch_id: str) -> None:
        """Ask for nothing more of a batch; one that has ended, or is not there, stays so."""
        try:
            await self._told("POST", f"/batches/{batch_id}/cancel")
        except CallFailed as error:
            if error.values.get("status") not in (400, 409):
                raise
        except EngineStopped as error:
            if error.code != "no_batch_endpoint":
                raise

    async def answers(self, file_id: str) -> AsyncIterator[Answer]:
        """The lines of a file of answers, or of errors, one by one."""
        async with self._asked("GET", f"/files/{file_id}/content") as response:
            rest = b""
            async for piece in response.content.iter_any():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if answer := answer_of(line):
                        yield answer
            if answer := answer_of(rest):
                yield answer

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    # --- one call -----------------------------------------------------------------------------

    async def _told(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        async with self._asked(method, path, **options) as response:
            try:
                found = json.loads(await response.read())
            except ValueError as error:
                raise CallFailed("endpoint_empty", host=self._server) from error
        if not isinstance(found, dict):
            raise CallFailed("endpoint_empty", host=self._server)
        return found

    @asynccontextmanager
    async def _asked(self, method: str, path: str, **options: Any) -> AsyncIterator[ClientResponse]:
        """One call, whose answer is there to be read.

        Raises:
            CallFailed: it may succeed later.
            EngineStopped: it never will.
        """
        try:
            async with self._session.request(
                method, self._address + path, allow_redirects=False, **options
            ) as response:
                if not 200 <= response.status < 300:
                    body = await response.read()
                    raise self._meant(complaint_of(response.status, response.headers, body))
                yield response
        except (ClientError, TimeoutError, OSError) as error:
            raise CallFailed("endpoint_unreachable", host=self._server) from error

    def _meant(self, complaint: Complaint) -> Exception:
        refused = complaint.refused_account(self._server)
        if refused is not None:
            return refused
        if complaint.status in (404, 405, 501):
            return EngineStopped("no_batch_endpoint", host=self._server)
        return CallFailed("endpoint_status", host=self._server, status=complaint.status)

    def _batch(self, found: Mapping[str, Any]) -> RemoteBatch:
        counts = found.get("request_counts") or {}
        errors = (found.get("errors") or {}).get("data") or [{}]
        return RemoteBatch(
            self._text(found, "id"),
            self._text(found, "status"),
            int(counts.get("completed") or 0),
            int(counts.get("failed") or 0),
            str(found.get("output_file_id") or ""),
            str(found.get("error_file_id") or ""),
            str(errors[0].get("code") or ""),
        )

    def _text(self, found: Mapping[str, Any], name: str) -> str:
        value = found.get(name)
        if isinstance(value, str) and value:
            return value
        raise CallFailed("endpoint_empty", host=self._server)

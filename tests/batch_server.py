"""An OpenAI-compatible endpoint with files and batches, for tests: real HTTP, scripted faults."""

import asyncio
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.openai_server import OpenAIServer

#: The states of a batch that nothing happens to; each look sees the next one.
_COURSE = ("validating", "in_progress", "finalizing", "completed")


@dataclass
class Handed:
    """A batch as the endpoint holds it.

    Attributes:
        lines: of its input file.
        answered: how many of them get an answer before the batch ends.
        ends_as: the state in which it ends.
    """

    id: str
    file_id: str
    metadata: dict[str, str]
    lines: list[dict[str, Any]]
    answered: int
    ends_as: str
    problem: str = ""
    state: str = "validating"
    output: str = ""
    errors: str = ""


@dataclass
class BatchServer(OpenAIServer):
    """Answers `/v1/files` and `/v1/batches` too.

    Attributes:
        files: uploaded and answered, by id.
        batches: handed over, in order.
        expires_after: requests of the next batch that are answered before it expires.
        refuses_with: code by which the next batch is refused as a whole.
        most_requests: a larger batch is refused with `token_limit_exceeded`.
        drops: calls, by method and path, whose effect takes place and whose answer is lost.
        hangs: method and path of calls whose effect takes place and whose answer does not come.
        is_held: batches stay `in_progress`.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    batches: list[Handed] = field(default_factory=list)
    expires_after: int | None = None
    refuses_with: str = ""
    most_requests: int | None = None
    drops: Counter[str] = field(default_factory=Counter)
    hangs: str = ""
    hanging: threading.Event = field(default_factory=threading.Event)
    is_held: bool = False
    page: int = 100

    def add_routes(self, app: web.Application) -> None:
        super().add_routes(app)
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_post("/v1/batches", self._create)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._look)
        app.router.add_post("/v1/batches/{id}/cancel", self._cancel)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Every line of every batch, in order."""
        return [line for batch in self.batches for line in batch.lines]

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        assert form["purpose"] == "batch"
        file = form["file"]
        assert isinstance(file, web.FileField)
        file_id = f"file-in-{len(self.files)}"
        with file.file as content:
            self.files[file_id] = content.read()
        return await self._told(request, {"id": file_id, "object": "file", "purpose": "batch"})

    async def _content(self, request: web.Request) -> web.StreamResponse:
        content = self.files[request.match_info["id"]]
        await self._lose(request)
        response = web.StreamResponse()
        await response.prepare(request)
        for at in range(0, len(content), 1000):  # in pieces that end within lines and characters
            await response.write(content[at : at + 1000])
        await response.write_eof()
        return response

    async def _create(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        assert asked["endpoint"] == "/v1/chat/completions"
        assert asked["completion_window"] == "24h"
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        ids = [line["custom_id"] for line in lines]
        assert len(ids) == len(set(ids))
        assert max(map(len, ids)) <= 64
        handed = Handed(
            f"batch_{len(self.batches)}", asked["input_file_id"], asked["metadata"], lines,
            len(lines), "completed",
        )  # fmt: skip
        if self.expires_after is not None:
            handed.answered, handed.ends_as = self.expires_after, "expired"
            self.expires_after = None
        if self.refuses_with or (self.most_requests and len(lines) > self.most_requests):
            handed.answered, handed.ends_as = 0, "failed"
            handed.problem = self.refuses_with or "token_limit_exceeded"
            self.refuses_with = ""
        self.batches.append(handed)
        return await self._told(request, self._shown(handed))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        newest_first = list(reversed(self.batches))
        after = request.query.get("after")
        if after:
            at = [one.id for one in newest_first].index(after)
            newest_first = newest_first[at + 1 :]
        page = newest_first[: self.page]
        data = [self._shown(one) for one in page]
        return web.json_response({"data": data, "has_more": len(newest_first) > len(page)})

    async def _look(self, request: web.Request) -> web.StreamResponse:
        handed = self._handed(request)
        if handed.state == "cancelling":
            handed.answered //= 2
            self._end(handed, "cancelled")
        elif handed.state in _COURSE[:-1]:
            self._go_on(handed)
        return await self._told(request, self._shown(handed))

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        handed = self._handed(request)
        if handed.state not in _COURSE[:-1]:
            return web.json_response({"error": {"message": "it has ended"}}, status=400)
        handed.state = "cancelling"
        return await self._told(request, self._shown(handed))

    def _handed(self, request: web.Request) -> Handed:
        for one in self.batches:
            if one.id == request.match_info["id"]:
                return one
        raise web.HTTPNotFound

    def _go_on(self, handed: Handed) -> None:
        if handed.state == "in_progress" and self.is_held:
            return
        if handed.ends_as == "failed" or handed.state == "finalizing":
            self._end(handed, handed.ends_as)
        else:
            handed.state = _COURSE[_COURSE.index(handed.state) + 1]

    def _end(self, handed: Handed, state: str) -> None:
        """Write the files of answers; out of order, as it happens."""
        handed.state = state
        output, errors = [], []
        for number, line in enumerate(handed.lines):
            if number >= handed.answered:
                error = {"code": f"batch_{state}", "message": "It was not made in time."}
                errors.append({"custom_id": line["custom_id"], "response": None, "error": error})
                continue
            status, body = self.completed(line["body"])
            response = {"status_code": status, "request_id": "r", "body": body}
            found = {"custom_id": line["custom_id"], "response": response, "error": None}
            (output if status == 200 else errors).append(found)
        if state == "failed":
            return
        handed.output = self._kept(output[::-1])
        handed.errors = self._kept(errors)

    def _kept(self, lines: list[dict[str, Any]]) -> str:
        if not lines:
            return ""
        file_id = f"file-out-{len(self.files)}"
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        self.files[file_id] = text.encode("utf-8", "surrogatepass")
        return file_id

    def _shown(self, handed: Handed) -> dict[str, Any]:
        is_ended = handed.state in ("completed", "expired", "cancelled")
        errors = {"data": [{"code": handed.problem, "message": "…", "line": None}]}
        return {
            "id": handed.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "status": handed.state,
            "metadata": handed.metadata,
            "input_file_id": handed.file_id,
            "output_file_id": handed.output or None,
            "error_file_id": handed.errors or None,
            "errors": errors if handed.state == "failed" else None,
            "request_counts": {
                "total": len(handed.lines),
                "completed": handed.answered if is_ended else 0,
                "failed": len(handed.lines) - handed.answered if is_ended else 0,
            },
        }

    async def _told(self, request: web.Request, content: dict[str, Any]) -> web.StreamResponse:
        await self._lose(request)
        return web.json_response(content)

    async def _lose(self, request: web.Request) -> None:
        name = f"{request.method} {request.path}"
        while self.hangs and name.startswith(self.hangs):
            self.hanging.set()
            await asyncio.sleep(0.01)
        for wanted, left in self.drops.items():
            if left and name.startswith(wanted):
                self.drops[wanted] -= 1
                assert request.transport is not None
                request.transport.abort()
                raise asyncio.CancelledError

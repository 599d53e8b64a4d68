"""Batches: files of requests and of answers, as OpenAI's /v1/batches has them."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

from core.engines.base import Message, Reply
from core.engines.complaints import Complaint, complaint_of
from core.engines.completions import body_of, reply_of

#: The most requests and bytes that one input file may have.
MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000
#: What each request of a file is for.
ENDPOINT = "/v1/chat/completions"
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})


@dataclass(frozen=True, slots=True)
class RemoteBatch:
    """A batch as the endpoint tells it.

    Attributes:
        state: in the endpoint's words: `validating`, `in_progress`, `finalizing` …
        problem: code of the error by which the whole batch was refused; '' for none.
    """

    id: str
    state: str
    completed: int
    failed: int
    output_file_id: str
    error_file_id: str
    problem: str

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in _ENDED


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of a file of answers.

    Attributes:
        reply: None where there is none.
        complaint: why not; None for a request that was never made.
    """

    custom_id: str
    reply: Reply | None
    complaint: Complaint | None


def request_line(
    custom_id: str, model: str, parameters: Mapping[str, Any], messages: Sequence[Message],
    schema: Mapping[str, Any] | None, *, form: str, limit_name: str,
) -> bytes:  # fmt: skip
    """One line of an input file, with its end."""
    said = [{"role": one.role, "content": one.content} for one in messages]
    body = body_of(model, said, parameters, schema, form=form, limit=limit_name)
    line = {"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": body}
    try:
        return json.dumps(line, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair is no UTF-8, but JSON can say it
        return json.dumps(line).encode() + b"\n"


def answer_of(line: bytes) -> Answer | None:
    """What a line says; None for one that is no answer."""
    try:
        found = json.loads(line)
        custom_id = found["custom_id"]
        response = found.get("response") or {}
        status = int(response.get("status_code") or 0)
        body = json.dumps(response.get("body"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    if status == 0:  # expired, cancelled: it was never made
        return Answer(custom_id, None, None)
    if not 200 <= status < 300:
        return Answer(custom_id, None, complaint_of(status, {}, body.encode()))
    return Answer(custom_id, reply_of(body.encode(), 0.0), None)


class BatchEndpoint(Protocol):
    """The files and batches of one endpoint.

    Any call raises CallFailed where it may succeed later, and EngineStopped where it never will.
    """

    async def upload(self, file: IO[bytes], name: str) -> str:
        """Id of an input file."""
        ...

    async def create(self, file_id: str, token: str) -> RemoteBatch:
        """Hand a file over; where that fails, it may be there nevertheless, as `find` tells."""
        ...

    async def find(self, token: str) -> RemoteBatch | None:
        """The batch with our token, of all that the endpoint has."""
        ...

    async def look(self, batch_id: str) -> RemoteBatch | None:
        """A batch as it stands; None where the endpoint knows none of that id."""
        ...

    async def cancel(self, batch_id: str) -> None:
        """Ask for nothing more of a batch; one that has ended, or is not there, stays so."""
        ...

    def answers(self, file_id: str) -> AsyncIterator[Answer]:
        """The lines of a file of answers, or of errors, one by one."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...

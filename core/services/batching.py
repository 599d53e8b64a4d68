"""Batching: ask a judge by the file, at the price of a batch, and be answered within a day.

It is another way to ask: prompts, reading and storing are those of judging. Requests are stored
before they are handed over, under a token that the remote batch carries too: whatever happens on
the way, what the endpoint has is found again and not handed over twice. What a batch leaves
unanswered is outstanding again, and so is a reply that can't be read: its one second question goes
into a following batch.
"""

import asyncio
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from core.domain.addresses import OPENAI, server_of
from core.domain.pricing import guessed_tokens
from core.domain.prompts import REASK_VERSION
from core.domain.verdicts import verdict_schema
from core.engines.base import Message, Reply
from core.engines.batch_files import (
    MOST_BYTES,
    MOST_REQUESTS,
    Answer,
    BatchEndpoint,
    RemoteBatch,
    request_line,
)
from core.engines.catalogue import batch_endpoint
from core.engines.complaints import Complaint
from core.engines.completions import FORMS
from core.errors import CallFailed, EngineStopped, LeaseLost, Refused
from core.services.budgeting import purse_of
from core.services.exchanging import Reading, Said, exchange_of, prepared, second_question
from core.services.judging import check_ready, plan_of
from core.services.ordering import subject_of
from core.services.permitting import require
from core.services.queueing import Lease, begin, ended, writing_for
from core.services.releasing import check_may_send
from core.store import assessments, batches, exchanges, jobs, judges
from core.store.assessments import Key
from core.store.batches import Batch, Request
from core.store.database import Store, opened
from core.store.jobs import Job
from core.store.judges import Judge
from core.store.studies import Study

#: Seconds between looks at the endpoint: at first, and at most.
_FIRST_LOOK, _LONGEST_LOOK = 0.5, 60.0
#: Seconds between looks at the lease.
_LOOK = 0.2
#: Batches in which a key may go unanswered before it is given up for this job.
_MOST_TRIES = 3
#: Calls to the endpoint that may fail in a row.
_MOST_FAILURES = 8
#: Seconds that an endpoint may take to cancel what it was asked to.
_CANCELLING = 900.0
#: Seconds after which a batch that was created stands in the endpoint's list.
_LISTED = 2.0
#: Rows that are written at once.
_AT_ONCE = 500
_TOKEN_BYTES = 16
#: The name that the limit of tokens went by before reasoning was counted into it, and now.
_LIMITS = ("max_tokens", "max_completion_tokens")


def run_batches(path: Path, job: Job, lease: Lease) -> None:
    """Ask by the file for all that a job's plan lacks; end the job as done, cancelled or failed.

    Raises:
        LeaseLost: another worker has the job; nothing was written after that.
    """
    with opened(path) as store:
        judge = judges.judge_by_id(store, job.plan["judge"])
        with ended(store, job, lease):
            check_ready(store, job, judge)
            asyncio.run(_BatchRun(store, job, judge, lease).run())


def forget_batches(store: Store, study: Study, judge: Judge) -> int:
    """Give up a judge's batches, wherever they are; how many verdicts are outstanding again.

    What the endpoint answers after all is paid for and lost: this is for batches that can't be
    reached any more.

    Raises:
        Refused: `still_running`: a job is at work on them.
        NotAllowed: `needs_right`.
    """
    require(store, "lead")
    with store.writing():
        working = jobs.unfinished_job_of(store, subject_of(judge, study.id))
        if working is not None:
            raise Refused("still_running", job=working)
        count = batches.pending_count(store, study.id, judge.id)
        for batch in batches.open_batches(store, study.id, judge.id):
            batches.end(store, batch.id)
    return count


@dataclass(slots=True)
class _New:
    """A batch in the making."""

    id: int
    token: str
    count: int = 0
    size: int = 0


class _BatchRun:
    """Hands over what is outstanding, waits, and collects, until nothing is outstanding."""

    def __init__(self, store: Store, job: Job, judge: Judge, lease: Lease) -> None:
        self.store = store
        self.job = job
        self.judge = judge
        self.lease = lease
        self.plan = plan_of(store, job)
        self.address: str = (*job.plan["addresses"], OPENAI)[0]
        self.reading = Reading(store, job, judge)
        self.schema = verdict_schema(judge.scale)
        self.engines: dict[str, BatchEndpoint] = {}
        self.unanswered: Counter[Key] = Counter()
        self.purse = purse_of(
            store, job, judge.parameters,
            outstanding=lambda: assessments.outstanding(store, self.plan).total,
        )  # fmt: skip
        self.is_money_out = False
        self.most_requests = MOST_REQUESTS
        self.is_queue_full = False
        self.form, self.limit_name = batches.last_dialect(store, judge.id, self.address) or (
            FORMS[0], _LIMITS[0],
        )  # fmt: skip
        self.stopped_by: EngineStopped | None = None

    async def run(self) -> None:
        total = assessments.outstanding(self.store, self.plan).total
        limit: int | None = self.job.plan["limit"]
        if limit is not None:
            total = min(total, max(0, limit - self.job.done))
        begin(self.store, self.job, total=total)
        try:
            self._engine(self.address)  # without a key it can't be built
            await self._work()
        finally:
            for engine in self.engines.values():
                await engine.close()
        if self.stopped_by is not None:
            raise self.stopped_by
        if self.lease.is_cancel_asked:
            return
        if self.is_money_out and self.purse is not None:
            raise self.purse.reached()
        given_up = sum(tries >= _MOST_TRIES for tries in self.unanswered.values())
        if given_up:
            raise CallFailed("calls_failed", count=given_up)

    # --- the loop -----------------------------------------------------------------------------

    async def _work(self) -> None:
        is_any_ended, pause, failures, cancelled_for = True, _FIRST_LOOK, 0, 0.0
        while True:
            opened_batches = self._open()
            if is_any_ended and not self._is_stopping:
                if not (self.is_queue_full and opened_batches):
                    self._prepare()
                opened_batches = self._open()
            if not opened_batches or cancelled_for > _CANCELLING:
                return
            try:
                is_any_ended = False
                for batch in opened_batches:
                    is_any_ended |= await self._advanced(batch)
            except CallFailed:
                failures += 1
                if failures >= _MOST_FAILURES:
                    raise
            else:
                failures = 0
            if is_any_ended:
                pause = _FIRST_LOOK
                continue
            cancelled_for += pause if self._is_stopping else 0.0
            await self._rest(pause)
            pause = min(_LONGEST_LOOK, 1.5 * pause)

    def _open(self) -> list[Batch]:
        return batches.open_batches(self.store, self.plan.study_id, self.judge.id)

    @property
    def _is_stopping(self) -> bool:
        return self.lease.is_cancel_asked or self.stopped_by is not None

    async def _rest(self, seconds: float) -> None:
        """Wait, but not when somebody has just asked to stop."""
        was_cancelled = self.lease.is_cancel_asked
        for _ in range(max(1, round(seconds / _LOOK))):
            self._check_lease()
            if self.lease.is_cancel_asked and not was_cancelled:
                return
            await asyncio.sleep(_LOOK)

    def _check_lease(self) -> None:
        if self.lease.is_lost:
            raise LeaseLost("lease_lost")

    async def _advanced(self, batch: Batch) -> bool:
        """Hand a batch over, or see how far it is; whether it has ended."""
        self._check_lease()
        engine = self._engine(batch.address)
        if batch.remote_id is None:
            return await self._handed_over(engine, batch)
        if self._is_stopping:
            await engine.cancel(batch.remote_id)
        remote = await engine.look(batch.remote_id)
        if remote is None:
            raise EngineStopped("batch_unknown", host=server_of(batch.address), id=batch.remote_id)
        self._note(batch, remote)
        if not remote.is_ended:
            return False
        await self._collect(engine, batch, remote)
        return True

    def _engine(self, address: str) -> BatchEndpoint:
        if address not in self.engines:
            self.engines[address] = batch_endpoint(self.judge.engine, address)
        return self.engines[address]

    # --- making batches -----------------------------------------------------------------------

    def _prepare(self) -> None:
        """Put into batches what is outstanding and stands in none."""
        waiting: list[Request] = []
        expected, new = 0.0, None
        self.is_money_out = False
        for request, messages in self._requests():
            cost = 0.0
            if self.purse is not None:
                cost = self.purse.expected(guessed_tokens([one.content for one in messages]))
                if expected + cost > self._money_left():
                    self.is_money_out = True
                    break
            size = self._size(request, messages)
            if new is None or new.count >= self.most_requests or new.size + size > MOST_BYTES:
                if new is not None and self.is_queue_full:
                    break  # one at a time
                self._write(new, waiting, expected)
                waiting, expected = [], 0.0
                new = self._begun()
            new.count, new.size = new.count + 1, new.size + size
            waiting.append(replace(request, number=new.count))
            expected += cost
            if len(waiting) >= _AT_ONCE:
                self._write(new, waiting, expected)
                waiting, expected = [], 0.0
                if self._is_stopping:
                    return
        self._write(new, waiting, expected)

    def _begun(self) -> _New:
        token = secrets.token_hex(_TOKEN_BYTES)
        with writing_for(self.store, self.job):
            batch_id = batches.add_batch(
                self.store, self.job.id, self.judge.id, self.plan.study_id, self.address, token,
                form=self.form, limit_name=self.limit_name,
            )  # fmt: skip
        return _New(batch_id, token)

    def _write(self, new: _New | None, requests: list[Request], expected: float) -> None:
        if new is None or not requests:
            return
        with writing_for(self.store, self.job):
            batches.add_requests(self.store, new.id, requests, expected=expected)

    def _money_left(self) -> float:
        """What neither is spent nor may be by the open batches of this job."""
        assert self.purse is not None
        mine = [batch.expected for batch in self._open() if batch.job_id == self.job.id]
        return self.purse.left - sum(mine)

    def _requests(self) -> Iterator[tuple[Request, tuple[Message, ...]]]:
        """What is to be asked, in the order of the questions; replies that are there are read."""
        limit: int | None = self.job.plan["limit"]
        if limit is not None:
            pending = batches.pending_count(self.store, self.plan.study_id, self.judge.id)
            limit -= jobs.job_by_id(self.store, self.job.id).done + pending
        for key in assessments.outstanding(self.store, self.plan):
            if limit is not None and limit <= 0:
                return
            if self.unanswered[key] >= _MOST_TRIES or batches.is_pending(self.store, key):
                continue
            found = self._request(key)
            if found is not None:
                yield found
            limit = None if limit is None else limit - 1

    def _request(self, key: Key) -> tuple[Request, tuple[Message, ...]] | None:
        """The first question for a key, or its second; None where what is stored settles it."""
        stored = exchanges.exchanges_of_key(self.store, key)
        if not stored:
            ready = prepared(self.store, key, self.judge.scale)
            prompt = ready.ask.messages[0].content
            request = Request(0, key, 1, None, ready.marker, ready.ticket, prompt)
            return request, ready.ask.messages
        said = Said(stored[-1], exchanges.material_of(self.store, key), is_stored=True)
        self.reading.commit([said])
        if not said.is_to_be_mended:
            return None
        first = said.exchange
        messages = second_question(said, self.judge.scale)
        request = Request(
            0, key, 2, REASK_VERSION, first.marker, first.ticket, messages[-1].content
        )
        return request, messages

    def _size(self, request: Request, messages: tuple[Message, ...]) -> int:
        """Bytes of a request's line, under the longest number that it can get."""
        longest = f"{'0' * 2 * _TOKEN_BYTES}-{MOST_REQUESTS}"
        line = request_line(
            longest, self.judge.model, self.judge.parameters, messages, self.schema,
            form=self.form, limit_name=self.limit_name,
        )  # fmt: skip
        return len(line)

    # --- handing over -------------------------------------------------------------------------

    async def _handed_over(self, engine: BatchEndpoint, batch: Batch) -> bool:
        """Make sure that the endpoint has a batch; whether the batch is given up instead."""
        remote = await self._found(engine, batch) if batch.is_tried else None
        if remote is None:
            if self._is_stopping or batch.total == 0:
                self._end(batch)
                return True
            check_may_send(self.store, self.plan.study_id, self.judge.engine, (batch.address,))
            file_id = batch.file_id or await self._uploaded(engine, batch)
            with writing_for(self.store, self.job):
                batches.set_tried(self.store, batch.id)
            remote = await engine.create(file_id, batch.token)
        self._note(batch, remote)
        return False

    async def _found(self, engine: BatchEndpoint, batch: Batch) -> RemoteBatch | None:
        """The batch at the endpoint, if it was created before somebody was interrupted."""
        found = await engine.find(batch.token)
        if found is None:
            await asyncio.sleep(_LISTED)
            found = await engine.find(batch.token)
        return found

    async def _uploaded(self, engine: BatchEndpoint, batch: Batch) -> str:
        with tempfile.TemporaryFile() as file:
            self._write_lines(batch, file)
            file_id = await engine.upload(file, f"attending-{batch.token}.jsonl")
        with writing_for(self.store, self.job):
            batches.set_file(self.store, batch.id, file_id)
        return file_id

    def _write_lines(self, batch: Batch, file: IO[bytes]) -> None:
        for request in batches.requests_of(self.store, batch.id):
            file.write(
                request_line(
                    f"{batch.token}-{request.number}", self.judge.model, self.judge.parameters,
                    self._messages(request), self.schema,
                    form=batch.form, limit_name=batch.limit_name,
                )
            )  # fmt: skip
        file.seek(0)

    def _messages(self, request: Request) -> tuple[Message, ...]:
        """The conversation of a stored request."""
        asked = Message("user", request.prompt)
        if request.ask == 1:
            return (asked,)
        first = exchanges.exchanges_of_key(self.store, request.key)[0]
        return (Message("user", first.prompt), Message("assistant", first.reply), asked)

    def _note(self, batch: Batch, remote: RemoteBatch) -> None:
        with writing_for(self.store, self.job):
            batches.set_remote(
                self.store, batch.id, remote.id, remote.state,
                completed=remote.completed, failed=remote.failed,
            )  # fmt: skip

    # --- collecting ---------------------------------------------------------------------------

    async def _collect(self, engine: BatchEndpoint, batch: Batch, remote: RemoteBatch) -> None:
        """Store and read what a batch that has ended was answered, then forget the batch."""
        answered: list[tuple[int, Said]] = []
        for file_id in filter(None, (remote.output_file_id, remote.error_file_id)):
            async for answer in engine.answers(file_id):
                found = self._said(batch, answer)
                if found is not None:
                    answered.append(found)
                if len(answered) >= _AT_ONCE:
                    self._store(batch, answered)
                    answered = []
        self._store(batch, answered)
        self._learn_from(batch, remote)
        is_other_dialect = (self.form, self.limit_name) != (batch.form, batch.limit_name)
        if remote.state != "failed" and not is_other_dialect:
            self.unanswered.update(one.key for one in batches.requests_of(self.store, batch.id))
        self._end(batch)

    def _said(self, batch: Batch, answer: Answer) -> tuple[int, Said] | None:
        """The request that an answer belongs to, with the answer; None where there is none."""
        token, _, number = answer.custom_id.rpartition("-")
        if token != batch.token or not number.isdecimal():
            return None
        request = batches.request_of(self.store, batch.id, int(number))
        reply = answer.reply
        if reply is None and answer.complaint is not None:
            reply = self._refused(batch, answer.complaint)
        if request is None or reply is None:
            return None
        stored = exchanges.exchanges_of_key(self.store, request.key)
        if any(one.ask == request.ask for one in stored):  # before an interruption
            with self.store.writing():
                batches.remove_requests(self.store, batch.id, [request.number])
            return None
        if self.purse is not None:
            texts = [message.content for message in self._messages(request)]
            self.purse.note(guessed_tokens(texts), reply)
        exchange = exchange_of(
            request.key, request.prompt, replace(reply, seconds=batch.age),
            marker=request.marker, ticket=request.ticket, ask=request.ask,
            reask_version=request.reask_version,
        )  # fmt: skip
        material = exchanges.material_of(self.store, request.key)
        return request.number, Said(exchange, material, is_stored=False)

    def _refused(self, batch: Batch, complaint: Complaint) -> Reply | None:
        """What a refused request says about its key; None where it is to be asked again."""
        if complaint.is_about_content or complaint.is_about_length:
            because = "content_filter" if complaint.is_about_content else "too_long"
            return Reply("", because, None, None, 0.0)
        host = server_of(batch.address)
        refused = complaint.refused_parameter(self.judge.parameters)
        if complaint.names_token_limit and batch.limit_name == _LIMITS[0]:
            self.limit_name = _LIMITS[1]
        elif complaint.names_format and batch.form:
            self.form = FORMS[FORMS.index(batch.form) + 1]
        elif complaint.is_about_credit:
            self._stop(EngineStopped("endpoint_no_credit", host=host))
        elif complaint.status in (401, 403):
            self._stop(EngineStopped("wrong_key", host=host))
        elif complaint.status == 404:
            self._stop(EngineStopped("endpoint_unknown_model", model=self.judge.model, host=host))
        elif refused:
            self._stop(
                EngineStopped(
                    "endpoint_refuses_parameter",
                    host=host, model=self.judge.model, parameter=refused,
                )
            )  # fmt: skip
        return None

    def _learn_from(self, batch: Batch, remote: RemoteBatch) -> None:
        """What the end of a batch means for the batches after it."""
        host = server_of(batch.address)
        is_too_much = remote.state == "failed" and remote.problem == "token_limit_exceeded"
        if is_too_much and len(self._open()) > 1:
            self.is_queue_full = True
        elif is_too_much and batch.total > 1:
            self.is_queue_full, self.most_requests = True, batch.total // 2
        elif remote.state == "failed":
            self._stop(EngineStopped("batch_refused", host=host, problem=remote.problem or "–"))
        elif remote.state == "cancelled" and not self._is_stopping:
            self._stop(EngineStopped("batch_cancelled", host=host))

    def _stop(self, error: EngineStopped) -> None:
        """Hand nothing more over; what is handed over is given back."""
        self.stopped_by = self.stopped_by or error

    def _store(self, batch: Batch, answered: list[tuple[int, Said]]) -> None:
        """Store answers and read them; a kill between the two steps is noticed by `_said`."""
        if not answered:
            return
        self.reading.commit([said for _, said in answered], asked_in=batch.job_id)
        with writing_for(self.store, self.job):
            batches.remove_requests(self.store, batch.id, [number for number, _ in answered])

    def _end(self, batch: Batch) -> None:
        with writing_for(self.store, self.job):
            batches.end(self.store, batch.id)

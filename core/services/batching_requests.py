"""What goes into a judge's batches: the requests that are outstanding, and how each is written."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from core.domain.pricing import guessed_tokens
from core.domain.prompts import REASK_VERSION
from core.domain.verdicts import verdict_schema
from core.engines.base import Message
from core.engines.batch_files import MOST_BYTES, MOST_REQUESTS, request_line
from core.services.batching_terms import Terms
from core.services.budgeting import Purse
from core.services.exchanging import Reading, Said, prepared, second_question
from core.services.queueing import writing_for
from core.store import assessments, batches, exchanges, jobs
from core.store.assessments import Key, Plan
from core.store.batches import Batch, Request
from core.store.database import Store
from core.store.jobs import Job
from core.store.judges import Judge

Messages = tuple[Message, ...]

#: Batches in which a key may go unanswered before it is given up for this job.
_MOST_TRIES = 3
#: Requests that are written at once.
_AT_ONCE = 500
_TOKEN_BYTES = 16


@dataclass(slots=True)
class _New:
    """A batch in the making; `waiting`, which may cost `expected`, is still to be written."""

    id: int
    count: int = 0
    size: int = 0
    expected: float = 0.0
    waiting: list[Request] = field(default_factory=list)


class Filling:
    """Puts into batches what is outstanding, as far as size, limit and money allow.

    Attributes:
        unanswered: in how many batches a key was left without an answer.
        is_money_out: something was left out that would have cost too much.
    """

    def __init__(
        self, store: Store, job: Job, judge: Judge, plan: Plan, address: str, terms: Terms,
        purse: Purse | None,
    ) -> None:  # fmt: skip
        self.unanswered: Counter[Key] = Counter()
        self.is_money_out = False
        self._store = store
        self._job = job
        self._judge = judge
        self._plan = plan
        self._address = address
        self._terms = terms
        self._purse = purse
        self._reading = Reading(store, job, judge)
        self._schema = verdict_schema(judge.scale)

    @property
    def given_up(self) -> int:
        """How many keys are not asked for again."""
        return sum(tries >= _MOST_TRIES for tries in self.unanswered.values())

    def fill(self, is_stopping: Callable[[], bool]) -> None:
        """Put into batches what is outstanding and stands in none.

        Raises:
            LeaseLost: another worker has the job.
        """
        new: _New | None = None
        self.is_money_out = False
        for request, messages in self._requests():
            cost = 0.0
            if self._purse is not None:
                cost = self._purse.expected(guessed_tokens([one.content for one in messages]))
                if (new.expected if new else 0.0) + cost > self._money_left(self._purse):
                    self.is_money_out = True
                    break
            size = self._size(messages)
            if new is None or self._is_full(new, size):
                if new is not None and self._terms.is_queue_full:
                    break  # one at a time
                self._write(new)
                new = self._begun()
            new.count, new.size = new.count + 1, new.size + size
            new.expected += cost
            new.waiting.append(replace(request, number=new.count))
            if len(new.waiting) >= _AT_ONCE:
                self._write(new)
                if is_stopping():
                    return
        self._write(new)

    def lines_of(self, batch: Batch) -> Iterator[bytes]:
        """The lines of a batch's input file, each under the batch's token and its own number."""
        for request in batches.requests_of(self._store, batch.id):
            yield self._line(
                f"{batch.token}-{request.number}", self.messages_of(request),
                form=batch.form, limit_name=batch.limit_name,
            )  # fmt: skip

    def messages_of(self, request: Request) -> Messages:
        """The conversation of a stored request."""
        asked = Message("user", request.prompt)
        if request.ask == 1:
            return (asked,)
        first = exchanges.exchanges_of_key(self._store, request.key)[0]
        return (Message("user", first.prompt), Message("assistant", first.reply), asked)

    def _is_full(self, new: _New, size: int) -> bool:
        return new.count >= self._terms.most_requests or new.size + size > MOST_BYTES

    def _begun(self) -> _New:
        with writing_for(self._store, self._job):
            batch_id = batches.add_batch(
                self._store, self._job.id, self._judge.id, self._plan.study_id, self._address,
                secrets.token_hex(_TOKEN_BYTES),
                form=self._terms.form, limit_name=self._terms.limit_name,
            )  # fmt: skip
        return _New(batch_id)

    def _write(self, new: _New | None) -> None:
        if new is None or not new.waiting:
            return
        with writing_for(self._store, self._job):
            batches.add_requests(self._store, new.id, new.waiting, expected=new.expected)
        new.waiting, new.expected = [], 0.0

    def _money_left(self, purse: Purse) -> float:
        """What neither is spent nor may be by the open batches of this job."""
        every = batches.open_batches(self._store, self._plan.study_id, self._judge.id)
        return purse.left - sum(one.expected for one in every if one.job_id == self._job.id)

    def _requests(self) -> Iterator[tuple[Request, Messages]]:
        """What is to be asked, in the order of the questions; replies that are there are read."""
        limit: int | None = self._job.plan["limit"]
        if limit is not None:
            pending = batches.pending_count(self._store, self._plan.study_id, self._judge.id)
            limit -= jobs.job_by_id(self._store, self._job.id).done + pending
        for key in assessments.outstanding(self._store, self._plan):
            if limit is not None and limit <= 0:
                return
            if self.unanswered[key] >= _MOST_TRIES or batches.is_pending(self._store, key):
                continue
            found = self._request(key)
            if found is not None:
                yield found
            limit = None if limit is None else limit - 1

    def _request(self, key: Key) -> tuple[Request, Messages] | None:
        """The first question for a key, or its second; None where what is stored settles it."""
        stored = exchanges.exchanges_of_key(self._store, key)
        if not stored:
            ready = prepared(self._store, key, self._judge.scale)
            prompt = ready.ask.messages[0].content
            request = Request(0, key, 1, None, ready.marker, ready.ticket, prompt)
            return request, ready.ask.messages
        said = Said(stored[-1], exchanges.material_of(self._store, key), is_stored=True)
        self._reading.commit([said])
        if not said.is_to_be_mended:
            return None
        first = said.exchange
        messages = second_question(said, self._judge.scale)
        request = Request(
            0, key, 2, REASK_VERSION, first.marker, first.ticket, messages[-1].content
        )
        return request, messages

    def _size(self, messages: Messages) -> int:
        """Bytes of a request's line, under the longest number that it can get."""
        longest = f"{'0' * 2 * _TOKEN_BYTES}-{MOST_REQUESTS}"
        form, limit_name = self._terms.form, self._terms.limit_name
        return len(self._line(longest, messages, form=form, limit_name=limit_name))

    def _line(self, name: str, messages: Messages, *, form: str, limit_name: str) -> bytes:
        return request_line(
            name, self._judge.model, self._judge.parameters, messages, self._schema,
            form=form, limit_name=limit_name,
        )  # fmt: skip

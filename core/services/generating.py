"""Generating: let a model answer every question of a study that it has not answered.

What is missing is what is done, so the same order goes on after any interruption and does nothing
when nothing is missing. A conversation's next turn is asked the moment its predecessor is stored.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.domain.answers import answer_of
from core.domain.closed import can_be_shuffled, in_order, instruction, shuffled
from core.domain.conversations import given_messages
from core.engines.base import Configuration, Message, Reply
from core.engines.catalogue import chat_engine, entry_of
from core.engines.gpus import chosen_gpus
from core.errors import BudgetReached, EngineStopped
from core.services.asking import Asking
from core.services.budgeting import PaidChat, purse_of
from core.services.permitting import require
from core.services.queueing import Lease, begin, ended, noting, writing_for
from core.services.releasing import check_may_send
from core.store import exercises, generations, jobs, responses
from core.store.database import Store, opened
from core.store.generations import AskedTurn, Conversation, Generated, Generator
from core.store.jobs import Job
from core.store.studies import Study

#: Reasons by which a reply holds no answer, by its finish reason.
_ABSENT = {"content_filter": "filtered", "too_long": "too_long"}
#: Conversations in flight for each GPU, and at an endpoint or on the CPU.
_A_GPU, _ELSEWHERE = 1024, 64


def outstanding_of(store: Store, study: Study, label: str, *, samples: int) -> int:
    """How many responses of a model are missing in a study."""
    require(store, "lead")
    model_id = responses.ensure_model(store, label)
    found = generations.conversations_outstanding(store, study.id, model_id, samples=samples)
    return sum(one.outstanding for one in found)


def run_generation(path: Path, job: Job, lease: Lease) -> None:
    """Generate all that a job's plan lacks, and end the job as done, cancelled or failed.

    Raises:
        LeaseLost: another worker has the job; nothing was written after that.
    """
    with opened(path) as store:
        generator = generations.generator_of_model(store, job.plan["generator_model"])
        assert generator is not None
        with ended(store, job, lease):
            check_may_send(store, job.study_id, generator.engine, job.plan["addresses"])
            asyncio.run(_GenerationRun(store, job, generator, lease).run())


class _GenerationRun:
    """One pass over the conversations that have turns to answer."""

    def __init__(self, store: Store, job: Job, generator: Generator, lease: Lease) -> None:
        self.store = store
        self.job = job
        self.generator = generator
        self.lease = lease
        self.revision = ""

    async def run(self) -> None:
        work = self._work()
        total = sum(one.outstanding for one in work)
        begin(self.store, self.job, total=total)
        if not work:
            return
        cards = chosen_gpus(self.job.plan["gpus"])
        concurrency: int = self.job.plan["concurrency"] or _fitting(self.generator.engine, cards)
        configuration = Configuration(
            self.generator.source,
            self._engine_parameters(min(one.sample for one in work)),
            tuple(self.job.plan["addresses"]),
            concurrency,
            cards,
            self.job.plan.get("requests_per_minute"),
            self.job.plan.get("tokens_per_minute"),
            noting(self.store, self.job),
        )
        self.engine = chat_engine(self.generator.engine, configuration)
        purse = purse_of(
            self.store, self.job, self.generator.parameters,
            outstanding=lambda: sum(one.outstanding for one in self._missing()),
        )  # fmt: skip
        if purse is not None:
            self.engine = PaidChat(self.engine, purse)
        try:
            await self._check_revision()
            asking = Asking(
                work, self._answer, self._commit,
                concurrency=concurrency, lease=self.lease, stop=self.engine.stop,
            )  # fmt: skip
            await asking.run()
        except BudgetReached:
            assert purse is not None
            raise purse.reached() from None  # what was in flight is stored by now
        finally:
            await self.engine.close()

    def _engine_parameters(self, first_sample: int) -> dict[str, Any]:
        """What the engine is told; a later run's samples are not drawn as an earlier run's were."""
        ours = ("system_prompt", "option_seed")
        told = {k: v for k, v in self.generator.parameters.items() if k not in ours}
        seed = self._seed(first_sample)
        return told if seed is None else told | {"seed": seed}

    def _work(self) -> list[Conversation]:
        """What is missing, up to the job's limit."""
        found = self._missing()
        limit: int | None = self.job.plan["limit"]
        if limit is None:
            return found
        left = limit - jobs.job_by_id(self.store, self.job.id).done
        taken: list[Conversation] = []
        for one in found:
            if left <= 0:
                break
            taken.append(one)
            left -= one.outstanding
        return taken

    def _missing(self) -> list[Conversation]:
        return generations.conversations_outstanding(
            self.store, self.job.study_id, self.generator.model_id,
            samples=self.job.plan["samples"], subset_id=self.job.plan.get("subset"),
        )  # fmt: skip

    async def _check_revision(self) -> None:
        """Two revisions of a checkpoint never mix under one label."""
        self.revision = await self.engine.revision()
        seen = generations.revision_seen(self.store, self.generator.id)
        if seen is not None and seen != self.revision:
            raise EngineStopped("revision_changed", model=self.generator.source)

    async def _answer(
        self, work: Conversation, commit: Callable[[Generated], Awaitable[None]]
    ) -> None:
        """Ask a conversation's open turns, one after the other."""
        turns = generations.turns(
            self.store, self.job.study_id, work.conversation_id, self.generator.model_id,
            work.sample,
        )  # fmt: skip
        system = self.generator.parameters.get("system_prompt")
        messages = [Message("system", system)] if system else []
        for turn in turns:
            messages += [Message(one.role, one.content) for one in given_messages(turn.given_turns)]
            asked, order = self._asked(turn, work.sample)
            messages.append(Message("user", asked))
            text = turn.text
            if turn.response_id is None:
                reply = await self.engine.answer(messages, seed=self._seed(work.sample))
                found = replace(_generated(turn, work.sample, messages, reply), order=order)
                await commit(found)
                text = found.text
            if text is None:
                await self._end(turns[turns.index(turn) + 1 :], work.sample, commit)
                return
            messages.append(Message("assistant", text))

    def _asked(self, turn: AskedTurn, sample: int) -> tuple[str, str]:
        """What a turn's message says, and the order of its options; '' for the file's."""
        closed = exercises.closed_of(self.store, turn.criteria_id)
        if closed is None:
            return turn.question_text, ""
        text, order, seed = turn.question_text, "", self.generator.parameters.get("option_seed")
        if seed is not None and can_be_shuffled(text, closed):
            order = shuffled(closed, seed=int(seed), key=turn.key, sample=sample)
            text = in_order(text, closed, order)
        told = instruction(turn.language, takes_several=closed.takes_several)
        return f"{text}\n\n{told}", order

    async def _end(
        self,
        turns: list[AskedTurn],
        sample: int,
        commit: Callable[[Generated], Awaitable[None]],
    ) -> None:
        """A failed turn ends its conversation: later ones are absent with that reason."""
        for turn in turns:
            if turn.response_id is None:
                reply = Reply("", "earlier_turn_failed", None, None, 0.0)
                await commit(_generated(turn, sample, [], reply))

    def _seed(self, sample: int) -> int | None:
        """A sample's own seed, so that samples of one prompt differ; None when greedy."""
        if not self.generator.parameters.get("temperature"):
            return None
        return int(self.generator.parameters["seed"]) * 1_000 + sample

    def _commit(self, found: list[Generated]) -> None:
        absent = sum(one.text is None for one in found)
        with writing_for(self.store, self.job, done=len(found), unscored=absent):
            generations.add_generated(
                self.store, self.generator, found,
                revision=self.revision, job_id=self.job.id, by=self.job.created_by,
            )  # fmt: skip


def _fitting(engine: str, cards: tuple[int, ...]) -> int:
    """Conversations in flight that keep an engine busy; each may be lost to a kill."""
    return _A_GPU * len(cards) if cards and not entry_of(engine).needs_address else _ELSEWHERE


def _generated(turn: AskedTurn, sample: int, messages: list[Message], reply: Reply) -> Generated:
    answer = answer_of(reply.text)
    absent_because = None
    if answer.text is None:
        is_cut = reply.finish_reason == "length"
        usual = "reasoning_cut" if is_cut and answer.reasoning else "empty"
        absent_because = _ABSENT.get(reply.finish_reason, usual)
        if reply.finish_reason == "earlier_turn_failed":
            absent_because = "earlier_turn_failed"
    return Generated(
        turn.question_id, turn.criteria_id, sample, answer.text, absent_because,
        tuple((one.role, one.content) for one in messages),
        reply.text, answer.reasoning, reply.finish_reason,
        reply.prompt_tokens, reply.reply_tokens, reply.seconds, reply.cached_tokens,
    )  # fmt: skip

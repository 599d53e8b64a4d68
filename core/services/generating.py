"""Generating: let a model answer every question of a study that it has not answered.

What is missing is what is done, so the same order goes on after any interruption and does nothing
when nothing is missing. A conversation's next turn is asked the moment its predecessor is stored.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.domain.answers import answer_of
from core.domain.closed import can_be_shuffled, in_order, instruction, shuffled
from core.domain.conversations import given_messages
from core.engines.base import Configuration, Message, Reply
from core.engines.catalogue import chat_engine, entry_of
from core.engines.gpus import chosen, gpus
from core.errors import BudgetReached, EngineStopped, LeaseLost, Refused
from core.services.asking import Asking
from core.services.budgeting import PaidChat, budget_in_plan, purse_of
from core.services.permitting import require
from core.services.pricing import check_budget, price_of
from core.services.queueing import Lease, ended, ensure_job, noting
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


@dataclass(frozen=True, slots=True)
class GenerateOrder:
    """Which model is to answer, how, and how it is reached.

    Attributes:
        source: path or name of the checkpoint, or the endpoint's name for the model.
        label: the name under which its responses are shown.
        parameters: `temperature`, `top_p`, `max_tokens`, `seed`, `system_prompt`,
            `trust_remote_code`, `option_seed` (shuffles the options of closed questions): part
            of what the label stands for.
        concurrency: most conversations in flight; None for as many as suit where it runs.
        gpus: `auto`, `none`, or indices such as `0,1`; chosen when the job starts.
        limit: at most about so many responses in this job (whole conversations); None for all.
        budget: the job ends before it costs more, in the currency of the model's price.
        subset_id: only the exercises of a subset of an exam.
    """

    engine: str
    source: str
    label: str
    parameters: dict[str, Any]
    samples: int = 1
    addresses: tuple[str, ...] = ()
    concurrency: int | None = None
    gpus: str = "auto"
    limit: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    budget: float | None = None
    subset_id: int | None = None


def queue_generation(store: Store, study: Study, order: GenerateOrder, *, by: str) -> int:
    """Make sure of the model and of a job that asks for what is missing; the job's id.

    Raises:
        UnknownName: `unknown_engine`.
        Refused: `cannot_generate`, `needs_model`, `needs_name`, `bad_samples`,
            `samples_need_sampling`, `bad_concurrency`, `bad_gpus`, `label_taken`, `bad_budget`,
            `budget_needs_price`, `unfinished_job`.
        BrokenFile: the price file can't be read.
        ReleaseRequired: a local dataset would leave the machine.
    """
    require(store, "lead")
    check_order(order)
    entry = entry_of(order.engine)
    check_may_send(store, study.id, order.engine, order.addresses)
    price = price_of(order.engine, order.source)
    check_budget(order.budget, price, order.source)
    with store.writing():
        generator = ensure_generator(store, order, by=by)
        plan = {
            "generator_model": generator.model_id,
            "samples": order.samples,
            "addresses": order.addresses,
            "concurrency": order.concurrency,
            "gpus": order.gpus,
            "requests_per_minute": order.requests_per_minute,
            "tokens_per_minute": order.tokens_per_minute,
            "limit": order.limit,
            "subset": order.subset_id,
            **budget_in_plan(order.budget),
        }
        subject = f"generate {generator.model_id} in study {study.id}"
        return ensure_job(
            store, "generate", entry.lane, subject, study.id, plan, price=price, by=by
        )


def chosen_gpus(wish: str) -> tuple[int, ...]:
    """GPUs for a wish such as `auto`, `none` or `0,1`.

    `auto` means all that are idle, or the freest; none where the machine has none.

    Raises:
        Refused: `bad_gpus` for another text, or a GPU that is not there.
    """
    if wish == "none":
        return ()
    present = gpus()
    if wish == "auto":
        return chosen(present)
    known = {gpu.index for gpu in present}
    asked = [part.strip() for part in wish.split(",")]
    if not all(part.isdecimal() and int(part) in known for part in asked):
        raise Refused("bad_gpus", wish=wish, known=", ".join(map(str, sorted(known))) or "–")
    return tuple(dict.fromkeys(int(part) for part in asked))


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
        with self.store.writing():
            if not jobs.start(self.store, self.job.id, self.job.fence, total=total):
                raise LeaseLost("lease_lost")
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
        with self.store.writing():
            generations.add_generated(
                self.store, self.generator, found,
                revision=self.revision, job_id=self.job.id, by=self.job.created_by,
            )  # fmt: skip
            if not jobs.advance(
                self.store, self.job.id, self.job.fence, done=len(found), unscored=absent
            ):
                raise LeaseLost("lease_lost")


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


def check_order(order: GenerateOrder) -> None:
    """Refuse an order that makes no sense by itself."""
    if not entry_of(order.engine).generates:
        raise Refused("cannot_generate", engine=order.engine)
    if not order.source.strip():
        raise Refused("needs_model")
    if not order.label.strip():
        raise Refused("needs_name")
    if order.samples < 1:
        raise Refused("bad_samples")
    if order.samples > 1 and not order.parameters.get("temperature"):
        raise Refused("samples_need_sampling")
    if order.concurrency is not None and not 1 <= order.concurrency <= 4096:
        raise Refused("bad_concurrency", most=4096)
    chosen_gpus(order.gpus)


def ensure_generator(store: Store, order: GenerateOrder, *, by: str) -> Generator:
    """The generator behind a label; a label stands for one source and one set of parameters.

    Raises:
        Refused: `label_taken`.
    """
    require(store, "lead")
    parameters = {"temperature": 0.0, **order.parameters}  # an endpoint's own default may sample
    if parameters["temperature"]:
        parameters.setdefault("seed", 0)
    model_id = responses.ensure_model(store, order.label)
    known = generations.generator_of_model(store, model_id)
    if known is None:
        if responses.has_responses(store, model_id):
            raise Refused("label_taken", label=order.label)
        generations.add_generator(store, model_id, order.engine, order.source, parameters, by=by)
        known = generations.generator_of_model(store, model_id)
    assert known is not None
    wanted = (order.engine, order.source, parameters)
    if (known.engine, known.source, known.parameters) != wanted:
        raise Refused("label_taken", label=order.label)
    return known

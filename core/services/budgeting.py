"""Budgeting: no call is made whose cost might take a job over its budget.

What a call will cost is not known before it: it is reckoned from the text's length, corrected by
the calls so far, and from the longest reply so far, or the limit where the model has one. Calls
that do not fit wait for those in flight, which are mostly cheaper than reckoned.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from core.domain.pricing import Price, Tokens, amount, guessed_tokens
from core.engines.base import Ask, ChatEngine, JudgeEngine, Message, Reply
from core.errors import BudgetReached, CallFailed, EngineStopped
from core.services.permitting import require
from core.store import spending
from core.store.database import Store
from core.store.jobs import Job

#: Reply tokens of a call, while few replies are known and there is no limit.
FIRST_REPLY = 500
#: Calls after which the guesses give way to the most that was seen.
_ENOUGH = 20


class Purse:
    """What is left of one job's budget.

    Args:
        most_reply: the model's limit of reply tokens; None where it has none.
        outstanding: says what is left to do when the budget is reached.
    """

    def __init__(
        self,
        budget: float,
        price: Price,
        *,
        spent: float,
        most_reply: int | None,
        outstanding: Callable[[], int],
    ) -> None:
        self.spent = spent
        self._budget = budget
        self._price = price
        self._limit = most_reply
        self._outstanding = outstanding
        self._calls = 0
        #: The longest reply so far, and the most prompt tokens per guessed one.
        self._longest_reply = 0
        self._scale = 0.0
        self._set_aside: list[float] = []
        self._settled = asyncio.Event()
        self._is_uncounted = False
        self._is_stopping = False

    async def pay(self, texts: Sequence[str], call: Callable[[], Awaitable[Reply]]) -> Reply:
        """Make a call when there is money for it.

        Raises:
            BudgetReached: there is none, and nothing in flight could leave some.
            EngineStopped: `budget_needs_counts`: the endpoint does not count tokens.
            CallFailed: `not_sent`: the job was stopped while the call waited.
        """
        guessed = guessed_tokens(texts)
        held = await self._hold(guessed)
        try:
            reply = await call()
        finally:
            self._set_aside.remove(held)
            self._settled.set()
        self.note(guessed, reply)
        return reply

    async def _hold(self, guessed: float) -> float:
        """Set money aside for a call; how much."""
        while True:
            if self._is_stopping:
                raise CallFailed("not_sent")
            if self._is_uncounted:
                raise EngineStopped("budget_needs_counts")
            expected = self.expected(guessed)
            if self.spent + sum(self._set_aside) + expected <= self._budget:
                self._set_aside.append(expected)
                return expected
            if not self._set_aside:
                raise self.reached()
            self._settled.clear()
            await self._settled.wait()

    def stop(self) -> None:
        """Make no more calls."""
        self._is_stopping = True
        self._settled.set()

    def expected(self, guessed: float) -> float:
        """What a call of so many guessed prompt tokens costs at most, as far as one can know."""
        is_known = self._calls >= _ENOUGH
        prompt = guessed * (self._scale if is_known else max(1.0, self._scale))
        reply = self._longest_reply if is_known else max(FIRST_REPLY, self._longest_reply)
        return self._price.cost(Tokens(1, 0, round(prompt), None, self._limit or reply))

    @property
    def left(self) -> float:
        """Money that is neither spent nor set aside."""
        return self._budget - self.spent - sum(self._set_aside)

    def reached(self) -> BudgetReached:
        """The end of a job that may not go on."""
        return BudgetReached(
            "budget_reached", spent=amount(self.spent), budget=amount(self._budget),
            currency=self._price.currency, outstanding=self._outstanding(),
        )  # fmt: skip

    def note(self, guessed: float, reply: Reply) -> None:
        """Count what a reply cost, and learn from it.

        Args:
            guessed: prompt tokens as they had been guessed.
        """
        if reply.prompt_tokens is None or reply.reply_tokens is None:
            self._is_uncounted = self._is_uncounted or bool(reply.text)
            return
        self.spent += self._price.cost(
            Tokens(1, 0, reply.prompt_tokens, reply.cached_tokens, reply.reply_tokens)
        )
        self._calls += 1
        self._longest_reply = max(self._longest_reply, reply.reply_tokens)
        self._scale = max(self._scale, reply.prompt_tokens / max(1.0, guessed))


def purse_of(
    store: Store, job: Job, parameters: Mapping[str, Any], *, outstanding: Callable[[], int]
) -> Purse | None:
    """The purse of a job with a budget, as full as its earlier calls have left it."""
    require(store, "lead")
    budget = job.plan.get("budget")
    price = spending.job_price(store, job.id)
    if budget is None or price is None:
        return None
    return Purse(
        budget, price,
        spent=price.cost(spending.job_tokens(store, job.id)),
        most_reply=parameters.get("max_tokens"),
        outstanding=outstanding,
    )  # fmt: skip


def budget_in_plan(budget: float | None) -> dict[str, float]:
    """A job's plan names its budget where it has one."""
    return {} if budget is None else {"budget": budget}


class PaidJudge:
    """A judging engine whose every call is paid from a purse."""

    def __init__(self, engine: JudgeEngine, purse: Purse) -> None:
        self._engine = engine
        self._purse = purse

    async def ask(self, ask: Ask) -> Reply:
        """Ask once, if there is money for it."""
        texts = [message.content for message in ask.messages]
        return await self._purse.pay(texts, lambda: self._engine.ask(ask))

    def stop(self) -> None:
        """Send nothing more; what has been sent may still be answered."""
        self._purse.stop()
        self._engine.stop()

    async def close(self) -> None:
        """Close the engine."""
        await self._engine.close()


class PaidChat:
    """A chat model whose every answer is paid from a purse."""

    def __init__(self, engine: ChatEngine, purse: Purse) -> None:
        self._engine = engine
        self._purse = purse

    async def revision(self) -> str:
        """The model's own."""
        return await self._engine.revision()

    async def answer(
        self,
        messages: Sequence[Message],
        *,
        seed: int | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Answer once, if there is money for it."""
        return await self._purse.pay(
            [message.content for message in messages],
            lambda: self._engine.answer(messages, seed=seed, schema=schema),
        )

    def stop(self) -> None:
        """Send nothing more; what has been sent may still be answered."""
        self._purse.stop()
        self._engine.stop()

    async def close(self) -> None:
        """Close the model."""
        await self._engine.close()

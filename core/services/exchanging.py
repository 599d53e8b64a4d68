"""What a judge is asked and what its replies say, on their way through the store.

A reply is stored before it is read. One that can't be read is answered once, in the same
conversation, with what was wrong; what is unreadable then is unscored.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.prompts import reask, rendered
from core.domain.scales import Scale
from core.domain.verdicts import MENDABLE, Unscored, Verdict, verdict_of, verdict_schema
from core.engines.base import Ask, Message, Reply
from core.services.permitting import require
from core.services.queueing import writing_for
from core.store import assessments, exchanges, responses
from core.store.assessments import Given, Key
from core.store.database import Store
from core.store.exchanges import Exchange, Material
from core.store.jobs import Job
from core.store.judges import Judge

#: Bytes of a marker and of a ticket; a response's author would have to guess them.
_TOKEN_BYTES = 8


@dataclass(frozen=True, slots=True)
class Prepared:
    """A key's first ask, as it is about to be sent.

    Attributes:
        marker, ticket: drawn for this ask; '' for a judge that reads no prompt.
    """

    material: Material
    ask: Ask
    marker: str
    ticket: str


def prepared(store: Store, key: Key, scale: Scale) -> Prepared:
    """What a key's judge is asked, under a marker and a ticket that nothing inserted contains."""
    require(store, "lead")
    material = exchanges.material_of(store, key)
    if not material.template:
        return Prepared(material, Ask((), material.criteria, material.response), "", "")
    turns = responses.earlier_turns(store, key.response_id) if material.turn > 1 else []
    criteria = material.criteria
    texts = [
        material.template, criteria.question_text, criteria.reference_answer, criteria.checklist,
        material.response, *(text for turn in turns for text in (turn.question, turn.response)),
    ]  # fmt: skip
    marker = fresh_token(texts)
    ticket = fresh_token([*texts, marker])
    prompt = rendered(
        material.template, criteria, material.response, earlier_turns=turns,
        language=material.language, marker=marker, ticket=ticket,
    )  # fmt: skip
    ask = Ask((Message("user", prompt),), criteria, material.response, verdict_schema(scale))
    return Prepared(material, ask, marker, ticket)


def fresh_token(texts: Sequence[str]) -> str:
    """A random token that occurs in none of some texts."""
    while True:
        token = secrets.token_hex(_TOKEN_BYTES)
        if not any(token in text for text in texts):
            return token


@dataclass(slots=True)
class Said:
    """An ask with its reply on the way through the store.

    Attributes:
        is_stored: since before an interruption.
        found: what the reply says, once it is stored.
    """

    exchange: Exchange
    material: Material
    is_stored: bool
    found: Verdict | Unscored | None = None

    @property
    def is_to_be_mended(self) -> bool:
        """Whether the judge is told what was wrong, and asked once more.

        One that has spent all its tokens without a word would do so again.
        """
        return (
            isinstance(self.found, Unscored)
            and self.found.because in MENDABLE
            and self.exchange.ask == 1
            and self.exchange.ticket != ""
            and self.exchange.reply.strip() != ""
        )


class Reading:
    """Stores what was said, reads it, and stores what it says, for one job."""

    def __init__(self, store: Store, job: Job, judge: Judge) -> None:
        self.store = store
        self.job = job
        self.judge = judge

    def commit(self, batch: Sequence[Said], *, asked_in: int | None = None) -> None:
        """Store what was said; then read it, and store what it says.

        Args:
            asked_in: the job that pays for it, where that is an earlier one.
        """
        new = [said.exchange for said in batch if not said.is_stored]
        if new:
            with writing_for(self.store, self.job):
                exchanges.add_exchanges(self.store, new, asked_in or self.job.id)
        for said in batch:
            said.found = _read(said, self.judge.scale)
        given = [
            (said.exchange.key, _given(said.found, self.judge.scale))
            for said in batch
            if said.found is not None and not said.is_to_be_mended
        ]
        if given:
            unscored = sum(score.value is None for _, score in given)
            with writing_for(self.store, self.job, done=len(given), unscored=unscored):
                assessments.add_machine_assessments(self.store, given, by=self.judge.name)


def second_question(said: Said, scale: Scale) -> tuple[Message, ...]:
    """The conversation in which a judge is told what was wrong with its reply."""
    first, material = said.exchange, said.material
    assert isinstance(said.found, Unscored)
    text = reask(
        said.found, scale, language=material.language, ticket=first.ticket,
        requirements=len(material.criteria.requirements),
    )  # fmt: skip
    return (
        Message("user", first.prompt), Message("assistant", first.reply), Message("user", text),
    )  # fmt: skip


def _read(said: Said, scale: Scale) -> Verdict | Unscored:
    return verdict_of(
        said.exchange.reply, scale,
        finish_reason=said.exchange.finish_reason,
        ticket=said.exchange.ticket or None,
        requirements=len(said.material.criteria.requirements),
        response=said.material.response,
    )  # fmt: skip


def _given(found: Verdict | Unscored, scale: Scale) -> Given:
    """What a reply says, as it is stored."""
    if isinstance(found, Unscored):
        return Given(scale, None, found.because, found.detail)
    return Given(
        scale, found.score, None, "", found.rationale, found.safety_risk, found.marks
    )  # fmt: skip


def exchange_of(
    key: Key,
    prompt: str,
    reply: Reply,
    *,
    marker: str,
    ticket: str,
    ask: int = 1,
    reask_version: int | None = None,
) -> Exchange:
    """An ask with its reply, as they are stored."""
    return Exchange(
        key, prompt, reply.text, reply.finish_reason, reply.prompt_tokens, reply.reply_tokens,
        reply.seconds, marker, ticket, ask, reask_version, reply.cached_tokens,
    )  # fmt: skip

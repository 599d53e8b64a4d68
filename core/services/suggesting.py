"""Suggesting: a model drafts single changes from what revisers may see; a person takes or leaves.

What was asked and answered is stored before it is read.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.criteria import Requirement
from core.domain.suggestions import (
    RowChange,
    SeenCase,
    TextChange,
    checklist_request,
    prompt_request,
    row_changes,
    text_changes,
)
from core.engines.base import Configuration, Message
from core.engines.catalogue import chat_engine, entry_of
from core.errors import Refused
from core.services.agreeing import Case, cases_of
from core.services.permitting import require
from core.services.releasing import check_may_send
from core.services.sealing import check_may_revise, seals_of
from core.store import criteria, jobs, judge_rounds, judges, questions, responses, suggestions
from core.store.database import Store
from core.store.judges import Judge
from core.store.prompts import PromptVersion
from core.store.questions import Question
from core.store.studies import Study

#: Differing responses that a request carries at most, the most harmful first.
_MOST_CASES = 8


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a model proposes; empty where its reply held nothing that fits."""

    rows: tuple[RowChange, ...]
    texts: tuple[TextChange, ...]


def models_that_suggest(store: Store, study: Study) -> list[Judge]:
    """Judges of a study whose models can be asked: chat models that have been reached before."""
    require(store, "lead")
    return [
        judge
        for judge, _ in judges.judges_of_study(store, study.id)
        if judge.engine != "imported"
        and entry_of(judge.engine).generates
        and jobs.last_job_of(store, study.id, judge.id) is not None
    ]


def suggest_rows(
    store: Store, study: Study, by_model: Judge, judge: Judge, question: Question,
    rows: Sequence[Requirement], *, by: str,
) -> Suggested:  # fmt: skip
    """Ask a model for changes of a question's checklist.

    Args:
        by_model: whose model is asked; `judge`: whose disagreements it is shown.
        rows: the requirements as they stand in the editor.

    Raises:
        Refused: `held_out_question`, `nothing_to_suggest_from`, `model_not_reached`.
        ReleaseRequired: a local dataset would leave the machine.
        EngineStopped, CallFailed: the model could not answer.
    """
    require(store, "lead")
    check_may_revise(store, study, question)
    cases = [one for one in _seen(store, study, judge) if one.question_id == question.id]
    active = criteria.active_version(store, study.id, question.id).criteria
    request = checklist_request(
        active.question_text, active.reference_answer, rows, _told(store, study, judge, cases),
        language=question.language,
    )  # fmt: skip
    reply = _answered(store, study, by_model, request, question_id=question.id, by=by)
    return Suggested(row_changes(reply, len(rows)), ())


def suggest_text(
    store: Store, study: Study, by_model: Judge, judge: Judge, prompt: PromptVersion, text: str,
    *, by: str,
) -> Suggested:  # fmt: skip
    """Ask a model for changes of a judge prompt; as `suggest_rows`."""
    require(store, "lead")
    kinds = {
        one.id: (one.category, one.language)
        for one in questions.questions_of_study(store, study.id)
    }
    cases = [
        one
        for one in _seen(store, study, judge)
        if kinds[one.question_id] == (prompt.category, prompt.language)
    ]
    told = _told(store, study, judge, cases)
    request = prompt_request(text, told, language=prompt.language)
    reply = _answered(store, study, by_model, request, prompt_id=prompt.id, by=by)
    return Suggested((), text_changes(reply, text))


def _seen(store: Store, study: Study, judge: Judge) -> list[Case]:
    """The responses on which a judge differs, of those that revisers may see, worst first."""
    rounds = judges.plan_rounds(store, study.id, judge.id)
    assert rounds is not None
    seen = seals_of(store, study).among(cases_of(store, study, judge, rounds), "revise")
    differing = [case for case in seen if case.differs]
    return sorted(differing, key=lambda case: not case.is_false_usable)


def _told(store: Store, study: Study, judge: Judge, cases: Sequence[Case]) -> list[SeenCase]:
    if not cases:
        raise Refused("nothing_to_suggest_from")
    found = []
    for case in cases[:_MOST_CASES]:
        response = responses.response_by_id(store, case.response_id)
        assert response is not None
        said = [
            one.rationale
            for one in judge_rounds.machine_scores(store, study.id, case.response_id)
            if one.judge == judge.name and one.is_active and one.purpose == "study"
        ]
        physicians = tuple(
            f"{score.value}/{score.maximum} {score.comment}".rstrip() for score in case.scores
        )
        judged = f"{case.judge.mean:.3g} {said[0] if said else ''}".rstrip()
        found.append(SeenCase(response.text or "", judged, physicians))
    return found


def _answered(
    store: Store, study: Study, judge: Judge, request: str, *, question_id: int | None = None,
    prompt_id: int | None = None, by: str,
) -> str:  # fmt: skip
    """A model's reply to one request, stored with it."""
    last = jobs.last_job_of(store, study.id, judge.id)
    if last is None:
        raise Refused("model_not_reached", judge=judge.name)
    addresses = tuple(last.plan.get("addresses", ()))
    check_may_send(store, study.id, judge.engine, addresses)
    reached = Configuration(
        judge.model, judge.parameters, addresses, 1, tuple(last.plan.get("gpus", ()))
    )
    reply = asyncio.run(_ask(judge.engine, reached, request))
    with store.writing():
        suggestions.add_suggestion(
            store, study.id, judge.id, question_id=question_id, prompt_id=prompt_id,
            request=request, reply=reply, by=by,
        )  # fmt: skip
    return reply


async def _ask(engine: str, reached: Configuration, request: str) -> str:
    chat = chat_engine(engine, reached)
    try:
        return (await chat.answer([Message("user", request)])).text
    finally:
        await chat.close()

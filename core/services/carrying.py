"""Carrying: a judge goes to another house as one file, and is compared there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import Refused
from core.formats.judge_card import CardPrompt, JudgeCard, read_card, write_card
from core.services.agreeing import cases_of
from core.services.comparing import comparison_of
from core.services.ordering import judge_configured
from core.services.permitting import require
from core.services.sealing import seals_of
from core.store import criteria, judges, questions
from core.store.database import Store
from core.store.judges import Judge
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Carried:
    """What an import of a card did.

    Attributes:
        proposed: questions for which the card's criteria were stored as a version that nobody
            uses yet; `same`: those whose criteria in use are the card's; `unknown`: those that
            the study does not have, or asks in other words.
        record: how the judge agreed where it comes from.
    """

    judge: str
    sha256: str
    prompts: int
    proposed: int
    same: int
    unknown: int
    record: dict[str, Any]


def export_card(store: Store, study: Study, judge: Judge, path: Path) -> JudgeCard:
    """Write a judge of a study with its prompts and the criteria in use; the card.

    The file holds the study's questions and reference answers.

    Raises:
        Refused: `reads_no_prompt` where no prompt serves it.
    """
    require(store, "lead")
    rounds = judges.plan_rounds(store, study.id, judge.id)
    assert rounds is not None
    kinds = set(questions.kinds_of_study(store, study.id))
    prompts = tuple(
        CardPrompt(one.category, one.language, one.text)
        for one in judges.active_prompts(store, study.id, judge.id)
        if (one.category, one.language) in kinds
    )
    if not prompts:
        raise Refused("reads_no_prompt", judge=judge.name)
    card = JudgeCard(
        judge.name, judge.engine, judge.model, judge.parameters, judge.scale.name, rounds, prompts,
        {
            one.key: criteria.active_version(store, study.id, one.id).criteria
            for one in questions.questions_of_study(store, study.id)
        },
    )  # fmt: skip
    write_card(card, path, record=_record(store, study, judge, rounds))
    return card


def import_card(store: Store, study: Study, path: Path, *, name: str = "", by: str) -> Carried:
    """Let the judge of a card take part in a study, with the card's prompts.

    Its criteria are stored as versions that nobody uses yet: they are the study's to decide on.

    Args:
        name: '' for the card's.

    Raises:
        BrokenFile: as `read_card`.
        Refused: `judge_name_taken`.
    """
    require(store, "lead")
    card, record = read_card(path)
    reason = f"judge card {card.content_hash[:12]}"
    with store.writing():
        judge = judge_configured(
            store, name or card.name, card.engine, card.model, card.parameters,
            scale=card.scale, by=by,
        )  # fmt: skip
        for one in card.prompts:
            stored = judges.ensure_prompt(
                store, one.category, one.language, one.text, reason=reason, by=by
            )
            prompt = judges.prompt_by_id(store, stored)
            judges.activate_prompt(store, study.id, judge, prompt, reason=reason, by=by)
        judges.add_plan(store, study.id, judge.id, card.rounds, by=by)
        proposed, same = _propose(store, study, card, reason=reason, by=by)
    return Carried(
        judge.name, card.content_hash, len(card.prompts), proposed, same,
        len(card.criteria) - proposed - same, record,
    )  # fmt: skip


def _propose(
    store: Store, study: Study, card: JudgeCard, *, reason: str, by: str
) -> tuple[int, int]:
    proposed = same = 0
    for question in questions.questions_of_study(store, study.id):
        wanted = card.criteria.get(question.key)
        active = criteria.active_version(store, study.id, question.id).criteria
        if wanted is None or wanted.question_text != active.question_text:
            continue
        if wanted == active:
            same += 1
            continue
        criteria.ensure_version(store, question.id, wanted, reason=reason, by=by)
        proposed += 1
    return proposed, same


def _record(store: Store, study: Study, judge: Judge, rounds: int) -> dict[str, Any]:
    """How a judge agrees with physicians, in all and on what was held out."""
    cases = cases_of(store, study, judge, rounds)
    held_out = seals_of(store, study).among(cases, "held_out")
    found: dict[str, Any] = {"study": study.name}
    for name, some in (("all", cases), ("held_out", held_out)):
        compared = comparison_of(some, judge, only=("cohen_kappa",))
        kappa = compared.usable.coefficients["cohen_kappa"]
        found[name] = {
            "n": compared.usable.agreement.n,
            "agreement": compared.usable.agreement.value,
            "cohen_kappa": kappa.value,
            "interval": [kappa.low, kappa.high],
            "false_usable": compared.usable.table[0][1],
            "physicians": compared.physicians,
        }
    return found

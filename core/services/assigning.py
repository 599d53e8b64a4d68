"""Assigning: which responses physicians are asked to score, drawn so that figures stay unbiased."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.asking import Asked
from core.domain.questions import Language
from core.domain.sampling import Drawn, Stratum, drawn, pairs_for_kappa
from core.domain.usability import judge_reading
from core.errors import Refused, UnknownName
from core.services import instructing
from core.services.permitting import require, require_own
from core.store import draws, judge_rounds, judges, people
from core.store.asked import situation_of
from core.store.assessments import Plan
from core.store.database import Store
from core.store.draws import Design, Draw, Drawable
from core.store.judges import Judge
from core.store.people import Person
from core.store.studies import Study

#: What a draw can be stratified by.
STRATA = ("category", "model", "difficulty", "judge")
#: Seconds for which a response stays with the physician who has it on the screen.
RESERVED_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Preview:
    """What a design would draw.

    Attributes:
        sample: the responses, each with its stratum and probability.
        available: responses that were drawn from.
        scores: scores that physicians would be asked for.
    """

    sample: tuple[Drawn, ...]
    available: int
    scores: int


def preview(store: Store, study: Study, design: Design) -> Preview:
    """Draw without storing: the same design always draws the same responses.

    Raises:
        Refused: `bad_draw_size`, `bad_overlap`, `bad_repeat_share`, `bad_strata`,
            `strata_need_judge`, `strata_of_questions`, `nothing_to_draw`.
    """
    require(store, "lead")
    _check(design)
    available = draws.drawable(store, study.id, design.choice)
    if not available:
        raise Refused("nothing_to_draw", study=study.name)
    sample = _sample(store, study, design, available)
    return Preview(tuple(sample), len(available), len(sample) * design.overlap)


def draw(
    store: Store,
    study: Study,
    design: Design,
    persons: Sequence[Person],
    *,
    reason: str,
    by: str,
) -> int:
    """Draw a sample and ask people for it; the draw's id.

    Raises:
        Refused: as `preview`; `needs_reason`; `too_few_people` where fewer people are asked than
            should score each response.
    """
    require(store, "lead")
    if not reason.strip():
        raise Refused("needs_reason")
    if len(persons) < design.overlap:
        raise Refused("too_few_people", people=len(persons), overlap=design.overlap)
    with store.writing():
        sample = preview(store, study, design).sample
        ids = [person.id for person in persons]
        return draws.add_draw(store, study.id, design, sample, ids, reason=reason, by=by)


def end(
    store: Store,
    study: Study,
    draw_id: int,
    *,
    note: str,
    by: str,
    into_manual: Language | None = None,
) -> None:
    """Ask nobody for a draw any more; for a calibration: let work begin.

    Args:
        note: why; for a calibration, what was agreed.
        into_manual: the manual of this language gets the note too.

    Raises:
        UnknownName: `unknown_draw`.
        Refused: `needs_reason`, `draw_has_ended`.
    """
    require(store, "lead")
    if not note.strip():
        raise Refused("needs_reason")
    with store.writing():
        if not _draw_of(store, study, draw_id).is_open:
            raise Refused("draw_has_ended", id=draw_id)
        draws.end_draw(store, draw_id, note=note, by=by)
        if into_manual is not None:
            instructing.add_note(store, study, into_manual, note, by=by)


def ask_people(
    store: Store, study: Study, draw_id: int, persons: Sequence[Person], *, by: str
) -> None:
    """Ask more people for a draw.

    Raises:
        UnknownName: `unknown_draw`.
        Refused: `draw_has_ended`.
    """
    require(store, "lead")
    with store.writing():
        if not _draw_of(store, study, draw_id).is_open:
            raise Refused("draw_has_ended", id=draw_id)
        draws.add_people(store, draw_id, [person.id for person in persons], by=by)


def restrict(store: Store, person: Person, categories: Sequence[str], *, by: str) -> None:
    """Ask a person for some categories only; none for all."""
    require(store, "lead")
    with store.writing():
        draws.set_field(store, person.id, categories, by=by)


def persons_named(store: Store, names: Sequence[str]) -> list[Person]:
    """The people of those names.

    Raises:
        UnknownName: `unknown_person`.
    """
    require(store, "lead")
    found = []
    for name in names:
        person = people.person_named(store, name)
        if person is None:
            known = ", ".join(one.name for one in people.people(store))
            raise UnknownName("unknown_person", name=name, known=known)
        found.append(person)
    return found


def asked(store: Store, study: Study, person: Person) -> Asked:
    """How much a person is asked for."""
    require_own(store, person.id, "physician")
    return situation_of(store, study.id, person.id, now=time.time()).asked_of()


def asked_and_next(store: Store, study: Study, person: Person) -> tuple[Asked, int | None]:
    """How much a person is asked for, and the next response, reserved for them."""
    require_own(store, person.id, "physician")
    now = time.time()
    found = situation_of(store, study.id, person.id, now=now)
    response_id = found.next_asked()
    if response_id is None or draws.is_reserved(store, person.id, response_id, now=now):
        return found.asked_of(), response_id
    with store.writing():
        found = situation_of(store, study.id, person.id, now=now)
        response_id = found.next_asked()
        if response_id is not None:
            reserve(store, person, response_id)
    return found.asked_of(), response_id


def asked_after(store: Store, study: Study, person: Person, response_id: int) -> int | None:
    """What a person will be asked for, as it looks now, once they have answered a response."""
    require_own(store, person.id, "physician")
    found = situation_of(store, study.id, person.id, now=time.time())
    return found.after(response_id).next_asked()


def reserve(store: Store, person: Person, response_id: int) -> None:
    """Keep a response for a person for a while: they have it on the screen."""
    require_own(store, person.id, "physician")
    with store.writing():
        draws.reserve(store, person.id, response_id, until=time.time() + RESERVED_SECONDS)


def asked_of_question(store: Store, study: Study, person: Person, question_id: int) -> list[int]:
    """Responses to a question that a person has answered or is asked for."""
    require_own(store, person.id, "physician")
    return situation_of(store, study.id, person.id, now=time.time()).of_question(question_id)


def is_due_again(store: Store, study: Study, person: Person, response_id: int) -> bool:
    """Tell whether a response that a person has answered is due to come back to them."""
    require_own(store, person.id, "physician")
    return situation_of(store, study.id, person.id, now=0.0).is_due_again(response_id)


def scores_for_kappa(
    kappa: float, usable_share: float, half_width: float, *, design_effect: float = 1.0
) -> int:
    """Double-scored responses from which κ is known within ± half_width.

    Raises:
        Refused: `bad_expectation` where a value lies outside its range.
    """
    if not (-1 < kappa < 1 and 0 < usable_share < 1 and 0 < half_width < 1 and design_effect >= 1):
        raise Refused("bad_expectation")
    return pairs_for_kappa(kappa, usable_share, half_width, design_effect=design_effect)


def _check(design: Design) -> None:
    if design.size < 1:
        raise Refused("bad_draw_size")
    if not 1 <= design.overlap <= 20:
        raise Refused("bad_overlap", most=20)
    if not 0 <= design.repeat_share <= 0.5:
        raise Refused("bad_repeat_share")
    if set(design.strata) - set(STRATA):
        raise Refused("bad_strata", known=", ".join(STRATA))
    if "judge" in design.strata and design.judge_id is None:
        raise Refused("strata_need_judge")
    if design.unit == "question" and set(design.strata) & {"model", "judge"}:
        raise Refused("strata_of_questions")


def _sample(
    store: Store, study: Study, design: Design, available: Sequence[Drawable]
) -> list[Drawn]:
    strata = _strata(store, study, design, available)
    if design.unit == "response":
        return drawn(strata, design.size, allocation=design.allocation, seed=design.seed)
    members: dict[int, list[Drawable]] = defaultdict(list)
    for one in available:
        members[one.question_id].append(one)
    questions = {question: strata[some[0].response_id] for question, some in members.items()}
    sample = drawn(questions, design.size, allocation=design.allocation, seed=design.seed)
    return [
        Drawn(one.response_id, question.stratum, question.probability)
        for question in sample
        for one in members[question.unit]
    ]


def _strata(
    store: Store, study: Study, design: Design, available: Sequence[Drawable]
) -> dict[int, Stratum]:
    usable: dict[int, str] = {}
    if "judge" in design.strata:
        assert design.judge_id is not None
        usable = judged(store, study, design.judge_id)
    return {
        one.response_id: tuple(
            usable.get(one.response_id, "unscored") if name == "judge" else getattr(one, name)
            for name in design.strata
        )
        for one in available
    }


def judged(store: Store, study: Study, judge_id: int) -> dict[int, str]:
    """What a judge holds each response for: `usable` or `unusable`, absent where unscored.

    Raises:
        Refused: `strata_need_judge` where the judge is none of the study's.
    """
    require(store, "lead")
    judge: Judge = judges.judge_by_id(store, judge_id)
    rounds = judges.plan_rounds(store, study.id, judge.id)
    if rounds is None:
        raise Refused("strata_need_judge")
    values: dict[int, list[int | None]] = defaultdict(list)
    for one in judge_rounds.judge_rounds(store, Plan(study.id, judge.id, rounds)):
        values[one.response_id].append(one.value)
    readings = {
        response_id: judge_reading(given, judge.scale, rounds=rounds).usable
        for response_id, given in values.items()
    }
    words = {True: "usable", False: "unusable"}
    return {one: words[usable] for one, usable in readings.items() if usable is not None}


def _draw_of(store: Store, study: Study, draw_id: int) -> Draw:
    for one in draws.draws_of_study(store, study.id):
        if one.id == draw_id:
            return one
    raise UnknownName("unknown_draw", id=draw_id, study=study.name)

"""Draws: which responses physicians are asked for, who still is, and what comes next."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from core.domain.sampling import Allocation, Drawn
from core.store.database import Store

Purpose = Literal["work", "calibration"]
Unit = Literal["response", "question"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which responses are drawn from; empty for all."""

    models: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    difficulties: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Design:
    """How a sample is drawn.

    Attributes:
        strata: of `category`, `model`, `difficulty` and `judge` (usable, unusable or unscored).
        size: units to draw: responses, or questions with all their responses.
        overlap: physicians who score each response.
        repeat_share: of a physician's responses that come back to them, unannounced.
    """

    size: int
    purpose: Purpose = "work"
    unit: Unit = "response"
    strata: tuple[str, ...] = ("category", "model")
    allocation: Allocation = "proportional"
    choice: Choice = Choice()
    judge_id: int | None = None
    overlap: int = 2
    repeat_share: float = 0.05
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw as it stands.

    Attributes:
        responses: how many were drawn.
        wanted: scores that it asks for: for each response, as many as its overlap.
        given: scores of these that are there, at most the overlap for each response.
    """

    id: int
    purpose: Purpose
    unit: Unit
    overlap: int
    size: int
    seed: int
    reason: str
    created_by: str
    created_at: str
    is_open: bool
    note: str
    responses: int
    wanted: int
    given: int


@dataclass(frozen=True, slots=True)
class Drawable:
    """A response that may be drawn, with what it can be stratified by."""

    response_id: int
    question_id: int
    category: str
    difficulty: str
    model: str


def drawable(store: Store, study_id: int, choice: Choice) -> list[Drawable]:
    """A study's current responses with a text, of what is chosen."""
    sql = """
        SELECT response.id AS response_id, question.id AS question_id, question.category,
               current_record.difficulty, model.label AS model
        FROM study_dataset
        JOIN dataset ON dataset.id = study_dataset.dataset_id
        JOIN open_question AS question ON question.dataset_id = dataset.id
        JOIN current_response AS response ON response.question_id = question.id
        JOIN current_record ON current_record.question_id = question.id
        JOIN model ON model.id = response.model_id
        WHERE study_dataset.study_id = :study AND response.text IS NOT NULL
          AND (:models = '[]' OR model.label IN (SELECT value FROM json_each(:models)))
          AND (:categories = '[]'
               OR question.category IN (SELECT value FROM json_each(:categories)))
          AND (:difficulties = '[]'
               OR current_record.difficulty IN (SELECT value FROM json_each(:difficulties)))
          AND (:datasets = '[]' OR dataset.name IN (SELECT value FROM json_each(:datasets)))
        ORDER BY response.id
    """
    params = {
        "study": study_id,
        "models": json.dumps(choice.models),
        "categories": json.dumps(choice.categories),
        "difficulties": json.dumps(choice.difficulties),
        "datasets": json.dumps(choice.datasets),
    }
    return store.read(Drawable, sql, params)


def add_draw(
    store: Store,
    study_id: int,
    design: Design,
    sample: Sequence[Drawn],
    people: Sequence[int],
    *,
    reason: str,
    by: str,
) -> int:
    """Store a draw with its responses and the people who are asked; its id.

    Args:
        sample: the drawn responses; `unit` is the response's id.
    """
    draw_id = store.add(
        "INSERT INTO draw (study_id, purpose, unit, strata, allocation, choice, judge_id, size,"
        " overlap, repeat_share, seed, reason, created_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            study_id, design.purpose, design.unit, json.dumps(design.strata), design.allocation,
            json.dumps(asdict(design.choice), ensure_ascii=False), design.judge_id, design.size,
            design.overlap, design.repeat_share, design.seed, reason, by,
        ),
    )  # fmt: skip
    store.add_many(
        "INSERT INTO draw_response (draw_id, response_id, stratum, probability)"
        " VALUES (?, ?, ?, ?)",
        [
            (draw_id, one.unit, json.dumps(one.stratum, ensure_ascii=False), one.probability)
            for one in sample
        ],
    )
    add_people(store, draw_id, people, by=by)
    return draw_id


def add_people(store: Store, draw_id: int, people: Sequence[int], *, by: str) -> None:
    """Ask more people for a draw's responses; who is asked already stays so."""
    store.add_many(
        "INSERT OR IGNORE INTO draw_person (draw_id, person_id, created_by) VALUES (?, ?, ?)",
        [(draw_id, person_id, by) for person_id in people],
    )


def end_draw(store: Store, draw_id: int, *, note: str, by: str) -> None:
    """Ask nobody for a draw's responses any more."""
    store.add(
        "INSERT INTO draw_end (draw_id, note, created_by) VALUES (?, ?, ?)", (draw_id, note, by)
    )


#: Persons who have scored a response: their last word is a score.
_SCORED_BY = """
    (SELECT count(*) FROM rater WHERE rater.person_id IS NOT NULL AND (
       SELECT value FROM assessment
       WHERE assessment.response_id = {response} AND assessment.rater_id = rater.id
         AND assessment.round = 1
       ORDER BY assessment.id DESC LIMIT 1) IS NOT NULL)
"""


def draws_of_study(store: Store, study_id: int) -> list[Draw]:
    """A study's draws, oldest first."""
    sql = f"""
        SELECT draw.id, purpose, unit, overlap, size, seed, reason, draw.created_by,
               draw.created_at, draw_end.draw_id IS NULL AS is_open,
               coalesce(draw_end.note, '') AS note, count(*) AS responses,
               count(*) * draw.overlap AS wanted,
               sum(min(draw.overlap, {_SCORED_BY.format(response="draw_response.response_id")}))
                 AS given
        FROM draw
        JOIN draw_response ON draw_response.draw_id = draw.id
        LEFT JOIN draw_end ON draw_end.draw_id = draw.id
        WHERE study_id = ? GROUP BY draw.id ORDER BY draw.id
    """
    return store.read(Draw, sql, (study_id,))


def given_by(store: Store, draw_id: int) -> dict[int, int]:
    """How many of a draw's responses each asked person has answered, a reason for none included."""
    sql = """
        SELECT draw_person.person_id, (
          SELECT count(*) FROM draw_response WHERE draw_response.draw_id = draw_person.draw_id
            AND (SELECT unscored_because IS NOT 'withdrawn' FROM assessment
                 WHERE assessment.response_id = draw_response.response_id
                   AND assessment.rater_id = rater.id AND assessment.round = 1
                 ORDER BY assessment.id DESC LIMIT 1))
        FROM draw_person LEFT JOIN rater ON rater.person_id = draw_person.person_id
        WHERE draw_person.draw_id = ? ORDER BY 1
    """
    return dict(map(tuple, store.rows(sql, (draw_id,))))


def people_of(store: Store, draw_id: int) -> list[int]:
    """Ids of the people who are asked for a draw's responses."""
    sql = "SELECT person_id FROM draw_person WHERE draw_id = ? ORDER BY person_id"
    return [person_id for (person_id,) in store.rows(sql, (draw_id,))]


@dataclass(frozen=True, slots=True)
class Held:
    """How a draw holds a response."""

    stratum: tuple[str, ...]
    probability: float


@dataclass(frozen=True, slots=True)
class WorkDraw:
    """A draw for work with everything it holds.

    Attributes:
        probabilities: of each stratum of which something was drawn.
    """

    strata: tuple[str, ...]
    choice: Choice
    judge_id: int | None
    drawn: dict[int, Held]
    probabilities: dict[tuple[str, ...], float]


def work_draws(store: Store, study_id: int) -> list[WorkDraw]:
    """Every draw of a study for work, ended or not, oldest first."""
    sql = """
        SELECT id, strata, choice, judge_id FROM draw
        WHERE study_id = ? AND purpose = 'work' ORDER BY id
    """
    found = []
    for draw_id, strata, choice, judge_id in map(tuple, store.rows(sql, (study_id,))):
        held = store.rows(
            "SELECT response_id, stratum, probability FROM draw_response WHERE draw_id = ?",
            (draw_id,),
        )
        chosen = {name: tuple(some) for name, some in json.loads(choice).items()}
        drawn = {one: Held(tuple(json.loads(stratum)), p) for one, stratum, p in map(tuple, held)}
        shares = {one.stratum: one.probability for one in drawn.values()}
        found.append(WorkDraw(tuple(json.loads(strata)), Choice(**chosen), judge_id, drawn, shares))
    return found


def is_drawn(store: Store, study_id: int) -> bool:
    """Whether a study asks for drawn responses only; without a draw everybody is asked for all."""
    return bool(store.value("SELECT count(*) FROM draw WHERE study_id = ?", (study_id,)))


def has_come_back(store: Store, person_id: int, response_id: int) -> bool:
    """Tell whether a person has scored a response a second time, unannounced."""
    sql = "SELECT count(*) FROM human_repeat WHERE person_id = ? AND response_id = ?"
    return bool(store.value(sql, (person_id, response_id)))


@dataclass(frozen=True, slots=True)
class Repeat:
    """A person's two scores of one response, given apart from each other.

    Attributes:
        first, repeated: None where they gave no score.
        first_usable, repeated_usable: what each means on its scale, the safety of a generated
            medical text being a veto; None likewise.
    """

    person_id: int
    question_id: int
    response_id: int
    scale: str
    first: int | None
    repeated: int | None
    first_usable: bool | None
    repeated_usable: bool | None


def repeats(store: Store, study_id: int) -> list[Repeat]:
    """Every response of a study that came back to a person, with both scores on one scale."""
    usable = "{0}.value >= usable_from AND NOT (scale.name = 'MTG 0-7' AND {0}.safety_risk IS 1)"
    sql = f"""
        SELECT person_id, question_id, human_repeat.response_id, human_repeat.scale,
               first_value AS first, repeated_value AS repeated,
               {usable.format("before")} AS first_usable,
               {usable.format("after")} AS repeated_usable
        FROM person CROSS JOIN human_repeat ON human_repeat.person_id = person.id
        JOIN question ON question.id = question_id
        JOIN study_dataset USING (dataset_id)
        JOIN assessment AS before ON before.id = first_id
        JOIN assessment AS after ON after.id = repeated_id
        JOIN scale ON scale.name = human_repeat.scale
        WHERE study_id = ? AND human_repeat.scale = first_scale ORDER BY +repeated_id
    """
    return store.read(Repeat, sql, (study_id,))


def reserve(store: Store, person_id: int, response_id: int, *, until: float) -> None:
    """Keep a response for a person for a while; their earlier reservation ends."""
    store.change(
        "INSERT INTO reservation (person_id, response_id, until) VALUES (?, ?, ?)"
        " ON CONFLICT (person_id) DO UPDATE SET response_id = excluded.response_id,"
        " until = excluded.until",
        (person_id, response_id, until),
    )


def release(store: Store, person_id: int, response_id: int | None = None) -> None:
    """Let others have what is kept for a person; that response alone, where one is named."""
    sql = "DELETE FROM reservation WHERE person_id = :person AND response_id IS coalesce(:response,"
    store.change(f"{sql} response_id)", {"person": person_id, "response": response_id})


def is_reserved(store: Store, person_id: int, response_id: int, *, now: float) -> bool:
    """Tell whether a person holds a response for at least another minute."""
    sql = """
        SELECT count(*) FROM reservation WHERE person_id = ? AND response_id = ? AND until > ?
    """
    return bool(store.value(sql, (person_id, response_id, now + 60)))


def set_field(store: Store, person_id: int, categories: Sequence[str], *, by: str) -> None:
    """Ask a person for some categories only; none for all."""
    store.add(
        "INSERT INTO field_of_work (person_id, categories, created_by) VALUES (?, ?, ?)",
        (person_id, json.dumps(categories), by),
    )


def field_of(store: Store, person_id: int) -> tuple[str, ...]:
    """The categories that a person is asked for; empty for all."""
    sql = "SELECT categories FROM field_of_work WHERE person_id = ? ORDER BY id DESC LIMIT 1"
    return tuple(json.loads(store.value(sql, (person_id,)) or "[]"))

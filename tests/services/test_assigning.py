"""Samples are drawn once, shared out among physicians, and never scored more often than wanted."""

from dataclasses import replace

import pytest

from core.errors import Refused, UnknownName
from core.services import assigning, authenticating, enrolling, offering, reviewing
from core.services.authenticating import Attempt
from core.services.balancing import chances_of
from core.services.enrolling import Enrolment
from core.store import draws
from core.store.draws import Choice, Design
from tests.workbench import CEDAR, Workbench

EVERYTHING = Design(14, overlap=1, repeat_share=0.0)


def draw(study: Workbench, design: Design, *names: str) -> int:
    persons = [study.physician(name) for name in names]
    return assigning.draw(
        study.store, study.study, design, persons, reason="first sample", by="Dr Lead"
    )


def next_for(study: Workbench, name: str) -> int | None:
    return assigning.asked_and_next(study.store, study.study, study.physician(name))[1]


def answers(study: Workbench, name: str, response_id: int, value: int = 4) -> None:
    found = next(
        (key, model)
        for key in CEDAR
        for model in ("cedar", "willow")
        if study.response(key, model).id == response_id
    )
    study.scores(study.physician(name), *found, value)


def test_a_draw_stores_each_response_with_its_stratum_and_probability(study):
    design = Design(4, overlap=1, strata=("model",), allocation="equal")

    draw(study, design, "Dr Lin")

    rows = study.rows("SELECT stratum, probability FROM draw_response ORDER BY stratum")
    assert rows == [('["cedar"]', 2 / 7)] * 2 + [('["willow"]', 2 / 7)] * 2


def test_the_same_design_previews_and_draws_the_same_responses(study):
    design = Design(5, overlap=1, seed=7)
    preview = assigning.preview(study.store, study.study, design)

    draw(study, design, "Dr Lin")

    stored = {row[0] for row in study.rows("SELECT response_id FROM draw_response")}
    assert stored == {one.unit for one in preview.sample}
    assert (preview.available, preview.scores) == (14, 5)


def test_a_question_is_drawn_with_all_its_responses(study):
    draw(study, Design(3, overlap=1, unit="question", strata=("category",)), "Dr Lin")

    rows = study.rows(
        "SELECT question_id, count(*), min(probability), max(probability) FROM draw_response"
        " JOIN response ON response.id = response_id GROUP BY question_id"
    )
    assert [row[1] for row in rows] == [2, 2, 2]
    assert all(low == high for _, _, low, high in rows)


def test_a_choice_limits_what_is_drawn_from(study):
    chosen = Choice(models=("cedar",), categories=("MK", "MLU"), difficulties=("easy",))

    preview = assigning.preview(study.store, study.study, Design(99, overlap=1, choice=chosen))

    expected = {study.response("MK:1:1").id, study.response("MLU:2:1").id}
    assert {one.unit for one in preview.sample} == expected


def test_a_judges_scores_stratify(study):
    study.baseline_judges()
    design = Design(4, overlap=1, strata=("judge",), allocation="equal", judge_id=study.judge().id)

    strata = {one.stratum for one in assigning.preview(study.store, study.study, design).sample}

    assert strata <= {("usable",), ("unusable",), ("unscored",)}
    assert {("usable",), ("unusable",)} <= strata


def test_physicians_share_a_sample_so_that_each_response_is_scored_as_often_as_wanted(study):
    draw(study, replace(EVERYTHING, overlap=2), "Dr A", "Dr B", "Dr C")

    turns = 0
    waiting = ["Dr A", "Dr B", "Dr C"]
    while waiting:
        for name in list(waiting):
            response_id = next_for(study, name)
            if response_id is None:
                waiting.remove(name)
                continue
            answers(study, name, response_id)
            turns += 1

    given = study.rows(
        "SELECT count(*) FROM assessment JOIN rater ON rater.id = rater_id"
        " WHERE person_id IS NOT NULL GROUP BY response_id"
    )
    assert turns == 28
    assert [count for (count,) in given] == [2] * 14
    (one,) = draws.draws_of_study(study.store, study.study.id)
    assert (one.given, one.wanted) == (28, 28)


def test_two_physicians_never_hold_the_same_response_where_one_score_is_wanted(study):
    draw(study, EVERYTHING, "Dr A", "Dr B")

    first, second = next_for(study, "Dr A"), next_for(study, "Dr B")

    assert first != second
    assert next_for(study, "Dr A") == first  # asking again changes nothing


def test_what_is_read_ahead_of_a_draw_is_what_comes(study):
    draw(study, replace(EVERYTHING, repeat_share=0.5), "Dr A", "Dr B")
    draw_id = draw(study, Design(2, "calibration", overlap=2, seed=1, strata=()), "Dr A", "Dr B")
    person = study.physician("Dr A")

    def come_and_read() -> tuple[list[int | None], list[int | None]]:
        come, read = [next_for(study, "Dr A")], []
        while come[-1] is not None:
            sheet = offering.read_ahead(study.store, study.study, person, come[-1])
            read.append(sheet.response_id if sheet else None)
            answers(study, "Dr A", come[-1])
            come.append(next_for(study, "Dr A"))
        return come[1:], read

    come, read = come_and_read()
    assert (read, len(read)) == (come, 2)
    assigning.end(study.store, study.study, draw_id, note="doses need a unit", by="Dr Lead")
    come, read = come_and_read()
    assert read == come
    assert len(set(read)) < len(read) > 12, "some came back"


def test_a_reservation_ends_after_a_while(study):
    chosen = Choice(models=("cedar",), categories=("MR",))
    draw(study, replace(EVERYTHING, choice=chosen, size=1), "Dr A", "Dr B")
    held = next_for(study, "Dr A")

    assert next_for(study, "Dr B") is None
    study.store.change("UPDATE reservation SET until = 0", ())
    assert next_for(study, "Dr B") == held


def _signs_out(study: Workbench) -> None:
    attempt = Attempt("Dr A", "correct horse battery", "10.0.0.1")
    authenticating.sign_out(study.store, authenticating.sign_in(study.store, attempt))


def _is_closed(study: Workbench) -> None:
    enrolling.disable(study.store, "Dr A", reason="left the ward", by="Dr Chief")


@pytest.mark.parametrize("leaves", [_signs_out, _is_closed])
def test_what_is_reserved_for_somebody_who_leaves_is_free_at_once(study, leaves):
    wanted = Enrolment("Dr A", ("physician",), "correct horse battery")
    enrolling.add_account(study.store, wanted, by="Dr Chief")
    chosen = Choice(models=("cedar",), categories=("MR",))
    draw(study, replace(EVERYTHING, choice=chosen, size=1), "Dr A", "Dr B")
    held = next_for(study, "Dr A")
    assert next_for(study, "Dr B") is None

    leaves(study)

    assert next_for(study, "Dr B") == held


def test_who_has_answered_holds_it_no_longer(study):
    chosen = Choice(models=("cedar",), categories=("MR",))
    draw(study, replace(EVERYTHING, choice=chosen, size=1, overlap=2), "Dr A", "Dr B")
    first = next_for(study, "Dr A")
    answers(study, "Dr A", first)

    assert next_for(study, "Dr B") == first


def test_what_is_taken_back_is_on_the_screen_again(study):
    draw(study, EVERYTHING, "Dr A", "Dr B")
    first = next_for(study, "Dr A")
    answers(study, "Dr A", first)
    assert next_for(study, "Dr A") != first

    reviewing.undo(study.store, study.study, study.physician("Dr A"), first)

    assert next_for(study, "Dr A") == first
    assert next_for(study, "Dr B") != first


def test_who_is_not_asked_gets_nothing(study):
    draw(study, EVERYTHING, "Dr A")

    assert next_for(study, "Dr B") is None
    assert assigning.asked(study.store, study.study, study.physician("Dr B")).left == 0


def test_a_physician_is_asked_for_their_field_only(study):
    draw(study, EVERYTHING, "Dr A", "Dr B")
    assigning.restrict(study.store, study.physician("Dr A"), ["MSE"], by="Dr Lead")

    seen = set()
    while (response_id := next_for(study, "Dr A")) is not None:
        seen.add(response_id)
        answers(study, "Dr A", response_id)

    assert seen == {study.response("MSE:1:1", model).id for model in ("cedar", "willow")}
    assert assigning.asked(study.store, study.study, study.physician("Dr B")).left == 12


def test_no_work_before_a_calibration_has_ended(study):
    draw(study, EVERYTHING, "Dr A", "Dr B")
    calibration = Design(2, "calibration", overlap=2, seed=1, strata=())
    draw_id = draw(study, calibration, "Dr A", "Dr B")
    asked = assigning.asked(study.store, study.study, study.physician("Dr A"))
    assert (asked.left, asked.is_calibrating) == (2, True)

    for _ in range(2):
        response_id = next_for(study, "Dr A")
        assert response_id is not None
        answers(study, "Dr A", response_id)
    assert next_for(study, "Dr A") is None
    assert next_for(study, "Dr B") is not None

    assigning.end(study.store, study.study, draw_id, note="doses need a unit", by="Dr Lead")
    assert next_for(study, "Dr A") is not None
    assert assigning.asked(study.store, study.study, study.physician("Dr A")).left == 12


def test_a_replaced_response_is_not_asked_for(study):
    draw(study, EVERYTHING, "Dr A")
    study.model_answers("cedar", {"MR:1:1": "ECG first."})

    assert assigning.asked(study.store, study.study, study.physician("Dr A")).left == 13


def test_probabilities_of_several_draws_are_joined(study):
    for seed in (1, 2):
        draw(study, Design(7, overlap=1, strata=(), seed=seed), "Dr A")

    drawn = study.rows("SELECT response_id, count(*) FROM draw_response GROUP BY response_id")
    found = chances_of(study.store, study.study)

    # Each response had 1 - .5 * .5, whether one draw holds it or both.
    assert {count for _, count in drawn} == {1, 2}
    assert {one: chance.probability for one, chance in found.items()} == {
        response: pytest.approx(0.75) for response, _ in drawn
    }


def test_a_draw_of_some_models_adds_to_their_probability_alone(study):
    draw(study, Design(7, overlap=1, strata=("model",), allocation="equal", seed=1), "Dr A")
    draw(study, Design(7, overlap=1, strata=(), choice=Choice(models=("cedar",))), "Dr A")

    found = chances_of(study.store, study.study)

    # Seven responses a model: 4 and 3 of them drawn, then all of cedar's.
    models = dict(
        study.rows("SELECT response.id, label FROM response JOIN model ON model.id = model_id")
    )
    assert {models[one]: chance.probability for one, chance in found.items()} == {
        "cedar": pytest.approx(1.0), "willow": pytest.approx(3 / 7),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"size": 0}, "bad_draw_size"),
        ({"overlap": 0}, "bad_overlap"),
        ({"overlap": 3}, "too_few_people"),
        ({"repeat_share": 0.9}, "bad_repeat_share"),
        ({"strata": ("weather",)}, "bad_strata"),
        ({"strata": ("judge",)}, "strata_need_judge"),
        ({"unit": "question", "strata": ("model",)}, "strata_of_questions"),
        ({"choice": Choice(models=("oak",))}, "nothing_to_draw"),
    ],
)
def test_a_design_that_makes_no_sense_is_refused_and_nothing_is_drawn(study, change, code):
    with pytest.raises(Refused) as refused:
        draw(study, replace(EVERYTHING, **change), "Dr A")

    assert refused.value.code == code
    assert study.value("SELECT count(*) FROM draw") == 0


def test_a_draw_ends_once_and_with_a_note(study):
    draw_id = draw(study, EVERYTHING, "Dr A")

    with pytest.raises(Refused, match="needs_reason"):
        assigning.end(study.store, study.study, draw_id, note=" ", by="Dr Lead")
    assigning.end(study.store, study.study, draw_id, note="enough", by="Dr Lead")
    with pytest.raises(Refused, match="draw_has_ended"):
        assigning.end(study.store, study.study, draw_id, note="again", by="Dr Lead")
    with pytest.raises(UnknownName, match="unknown_draw"):
        assigning.end(study.store, study.study, 99, note="which", by="Dr Lead")
    assert next_for(study, "Dr A") is None

"""A second look is drawn at random, never taken at one's own score, and counted."""

import pytest

from core.errors import Refused, UnknownName
from core.services import spot_checking
from tests.workbench import CEDAR, Workbench


@pytest.fixture
def scored(study: Workbench) -> Workbench:
    """Two physicians, each with seven scores."""
    for name in ("Dr A", "Dr B"):
        for key in CEDAR:
            study.scores(study.physician(name), key, "cedar", 4)
    return study


def draws(study: Workbench, **given) -> int:
    return spot_checking.draw_checks(
        study.store, study.study, by="Dr Lead", **{"share": 0.5, "round": 1, "seed": 3} | given
    )


def test_a_share_of_the_scores_is_drawn_and_none_twice_in_a_round(scored):
    assert draws(scored) == 7
    assert draws(scored) == 4  # half of the seven that are left, rounded up
    assert draws(scored, round=2, share=1.0) == 14

    drawn = scored.rows("SELECT assessment_id, round FROM spot_check")
    assert len(drawn) == len(set(drawn)) == 25


def test_nobody_looks_at_their_own_score(scored):
    draws(scored, share=1.0)
    person = scored.physician("Dr A")

    others = spot_checking.open_checks(scored.store, scored.study, person)
    assert {one.scored_by for one in others} == {scored.physician("Dr B").id}

    own = spot_checking.open_checks(scored.store, scored.study, scored.physician("Dr B"))[0]
    with pytest.raises(Refused, match="own_score"):
        spot_checking.answer(scored.store, scored.study, person, own.id, is_sound=True, comment="")


def test_what_was_found_is_counted_with_its_interval(scored):
    draws(scored, share=1.0)
    lead = scored.physician("Dr Lead")
    checks = spot_checking.open_checks(scored.store, scored.study, lead)
    for place, one in enumerate(checks):
        spot_checking.answer(
            scored.store, scored.study, lead, one.id, is_sound=place > 0, comment="dose missed"
        )

    found = spot_checking.share_sound(scored.store, scored.study, 1)

    assert (found.n, found.value) == (14, pytest.approx(13 / 14))
    assert found.low is not None
    assert found.low < found.value
    assert spot_checking.open_checks(scored.store, scored.study, lead) == []
    assert spot_checking.share_sound(scored.store, scored.study, 2).undefined_because == "no_pairs"


@pytest.mark.parametrize(
    ("given", "code"),
    [({"share": 0.0}, "bad_check_share"), ({"share": 1.1}, "bad_check_share"),
     ({"round": 3}, "bad_check_round")],
)  # fmt: skip
def test_a_share_or_round_out_of_range_is_refused(scored, given, code):
    with pytest.raises(Refused, match=code):
        draws(scored, **given)


def test_an_unsound_score_needs_a_comment_and_an_unknown_check_is_named(scored):
    draws(scored)
    lead = scored.physician("Dr Lead")
    one = spot_checking.open_checks(scored.store, scored.study, lead)[0]

    with pytest.raises(Refused, match="needs_reason"):
        spot_checking.answer(scored.store, scored.study, lead, one.id, is_sound=False, comment=" ")
    with pytest.raises(UnknownName, match="unknown_check"):
        spot_checking.answer(scored.store, scored.study, lead, 999, is_sound=True, comment="")


def test_without_scores_there_is_nothing_to_check(study):
    with pytest.raises(Refused, match="nothing_to_check"):
        draws(study)

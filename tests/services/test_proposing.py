"""What to score next: the narrowest interval for so many scores, and a click that asks for them."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import Refused
from core.services import ranking
from core.services.agreeing import cases_of_panel
from core.services.assigning import asked_and_next, persons_named
from core.services.empanelling import panel_of_study
from core.services.proposing import Proposal, ask_for, proposals_of
from core.services.tallying import verdicts_of
from core.store.database import Store, opened
from core.store.studies import Study, study_named
from tests.bench.large_study import Size, ensure_large_study


@pytest.fixture
def large(tmp_path: Path) -> Iterator[tuple[Store, Study]]:
    """120 questions, two models, 150 scores of two physicians."""
    path = tmp_path / "workbench.db"
    ensure_large_study(path, Size(120, 2, 1, 1, 2, 150, 1))
    with opened(path) as store:
        study = study_named(store, "large")
        assert study is not None
        yield store, study


def _proposals(store: Store, study: Study, more: int) -> list[Proposal]:
    panel = panel_of_study(store, study, None)
    cases = ranking.calibrating(store, study, panel, cases_of_panel(store, study, panel))
    return proposals_of(store, study, verdicts_of(store, study, panel), cases, more=more)


def test_more_scores_narrow_the_interval_further(large: tuple[Store, Study]) -> None:
    few, many = ({one.model: one for one in _proposals(*large, more)} for more in (10, 40))

    for model, one in many.items():
        assert one.more == 40
        assert few[model].more == 10
        assert one.prospect.after is not None
        assert few[model].prospect.after is not None
        assert one.prospect.after < few[model].prospect.after
        if one.prospect.before is not None:
            assert few[model].prospect.after < one.prospect.before


def test_one_click_asks_for_what_was_proposed(large: tuple[Store, Study]) -> None:
    store, study = large
    proposal = _proposals(store, study, 20)[0]
    [person] = persons_named(store, ["Dr 1"])

    asked = ask_for(store, study, proposal, [person], reason="narrower", by="Dr Lead")

    rows = store.rows(
        "SELECT category, label, probability FROM draw_response JOIN response"
        " ON response.id = response_id JOIN question ON question.id = question_id"
        " JOIN model ON model.id = model_id"
    )
    assert Counter(row[0] for row in rows) == proposal.sizes
    assert {row[1] for row in rows} == {proposal.model}
    assert len(asked) == len(proposal.sizes)
    assert all(0 < row[2] <= 1 for row in rows)
    assert asked_and_next(store, study, person)[1] is not None


def test_nothing_is_drawn_where_nobody_is_asked(large: tuple[Store, Study]) -> None:
    store, study = large

    with pytest.raises(Refused, match="too_few_people"):
        ask_for(store, study, _proposals(store, study, 20)[0], [], reason="why", by="Dr Lead")

    assert store.value("SELECT count(*) FROM draw") == 0

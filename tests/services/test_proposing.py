"""What to score next: the narrowest interval for so many scores, and a click that asks for them."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import Refused
from core.services import ranking
from core.services.agreeing import cases_of_panel
from core.services.assigning import asked_and_next, persons_named
from core.services.empanelling import panel_of_study
from core.services.importing_questions import QuestionImport, import_questions
from core.services.importing_responses import ResponseImport, import_responses
from core.services.proposing import Proposal, ask_for, proposals_of
from core.services.tallying import verdicts_of
from core.store.database import Store, opened
from core.store.studies import Study, study_named
from tests.bench.large_study import Size, ensure_large_study
from tests.workbench import QUESTIONS, five_keys


@pytest.fixture
def large(tmp_path: Path) -> Iterator[tuple[Store, Study]]:
    """120 questions, two models, 150 scores of two physicians."""
    path = tmp_path / "workbench.db"
    ensure_large_study(path, Size(120, 2, 1, 1, 2, 150, 1))
    with opened(path) as store:
        study = study_named(store, "large")
        assert study is not None
        yield store, study


def _proposals(store: Store, study: Study, more: int, benchmark: str = "") -> list[Proposal]:
    panel = panel_of_study(store, study, None)
    cases = ranking.calibrating(store, study, panel, cases_of_panel(store, study, panel))
    verdicts = verdicts_of(store, study, panel)
    return proposals_of(store, study, verdicts, cases, benchmark=benchmark, more=more)


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


def test_a_benchmark_that_joined_the_study_changes_no_proposal_for_the_first(
    large: tuple[Store, Study], tmp_path: Path
) -> None:
    store, study = large
    before = _proposals(store, study, 20)
    model, record = before[0].model, QUESTIONS["MR:1:1"]
    (tmp_path / "ward.json").write_text(
        json.dumps(five_keys({f"MR:{n}:1": record for n in range(300)}))
    )
    import_questions(store, tmp_path / "ward.json", QuestionImport("ward", "Lead", study="large"))
    lines = [json.dumps({"question": f"MR:{n}:1", "response": "20 mg"}) for n in range(300)]
    (tmp_path / "r.jsonl").write_text("\n".join(lines))
    import_responses(store, tmp_path / "r.jsonl", ResponseImport("ward", model, "Lead"))

    after = _proposals(store, study, 20, "large")

    assert [replace(one, benchmark="") for one in after] == before
    first = next(one for one in after if one.model == model)
    ask_for(store, study, first, persons_named(store, ["Dr 1"]), reason="why", by="Dr Lead")
    drawn = store.rows(
        "SELECT dataset.name, category, count(*) FROM draw_response JOIN response"
        " ON response.id = response_id JOIN question ON question.id = question_id"
        " JOIN dataset ON dataset.id = dataset_id GROUP BY 1, 2"
    )
    assert {tuple(row) for row in drawn} == {
        ("large", category, size) for category, size in first.sizes.items()
    }
    assert "MR" in first.sizes


def test_nothing_is_drawn_where_nobody_is_asked(large: tuple[Store, Study]) -> None:
    store, study = large

    with pytest.raises(Refused, match="too_few_people"):
        ask_for(store, study, _proposals(store, study, 20)[0], [], reason="why", by="Dr Lead")

    assert store.value("SELECT count(*) FROM draw") == 0

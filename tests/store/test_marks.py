"""Marks: a judge's by the place of the requirement, a physician's by its wording."""

from pathlib import Path

from core.services.opening import ensure_workbench
from core.store import marks
from core.store.database import opened
from tests.openai_server import OpenAIServer
from tests.workbench import Workbench, plain_questions

TWICE = "Core requirements:\n1. States the dose\n2. States the route\n\nSecondary requirements:\n"


def test_a_wording_that_stands_twice_in_a_checklist_is_marked_at_both_places(
    tmp_path: Path,
) -> None:
    path = tmp_path / "workbench.db"
    ensure_workbench(path)
    questions = plain_questions("MK", 1)
    questions["MK:1:1"]["checklist"] = f"{TWICE}1. States the dose"
    with opened(path) as store, OpenAIServer() as server:
        study = Workbench(store, tmp_path)
        study.imports(questions)
        study.model_answers("cedar", {"MK:1:1": "500 mg"}, questions=questions)
        study.endpoint_judges(server)

        [found] = marks.requirement_marks(store, study.response("MK:1:1").id).values()
        [identity] = study.rows("SELECT count(DISTINCT requirement_id) FROM assessment_part")

    assert identity == (2,)
    assert [(one.number, one.level, one.text) for one in found] == [
        (1, "core", "States the dose"),
        (2, "core", "States the route"),
        (3, "secondary", "States the dose"),
    ]

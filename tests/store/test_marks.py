"""Marks: a judge's by the place of the requirement, a physician's by its wording."""

from pathlib import Path

from core.store import marks
from tests.openai_server import OpenAIServer
from tests.workbench import plain_questions, workbench_in

TWICE = "Core requirements:\n1. States the dose\n2. States the route\n\nSecondary requirements:\n"


def test_a_wording_that_stands_twice_in_a_checklist_is_marked_at_both_places(
    tmp_path: Path,
) -> None:
    questions = plain_questions("MK", 1)
    questions["MK:1:1"]["checklist"] = f"{TWICE}1. States the dose"
    with workbench_in(tmp_path) as study, OpenAIServer() as server:
        study.imports(questions)
        study.model_answers("cedar", {"MK:1:1": "500 mg"}, questions=questions)
        study.endpoint_judges(server)

        [found] = marks.requirement_marks(study.store, study.response("MK:1:1").id).values()
        [identity] = study.rows("SELECT count(DISTINCT requirement_id) FROM assessment_part")

    assert identity == (2,)
    assert [(one.number, one.level, one.text) for one in found] == [
        (1, "core", "States the dose"),
        (2, "core", "States the route"),
        (3, "secondary", "States the dose"),
    ]

"""Exporting: the released shape, every record to the letter, a reason where there is no score."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from core.errors import AttendingError, Refused, UnknownName
from core.formats.llmeval_med import CATEGORY_CODES
from core.services.exporting import Export, Exported, export_llmeval_med
from core.services.importing_questions import QuestionImport, import_questions
from core.services.importing_responses import ResponseImport, import_responses
from core.services.judging import progress_of
from tests.openai_server import PROSE, OpenAIServer, saying
from tests.workbench import CEDAR, QUESTIONS, WILLOW, Workbench, five_keys, revise_checklist


def _exports(study: Workbench, **options: Any) -> tuple[Exported, dict[str, list[dict[str, Any]]]]:
    out = study.folder / "out.json"
    export = Export(study.name, **{"model": "cedar", **options})
    done = export_llmeval_med(study.store, export, out)
    return done, json.loads(out.read_text(encoding="utf-8"))


def _by_key(shape: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    return {
        f"{CATEGORY_CODES[name]}:{record['groupCode']}:{record['round']}": record
        for name, records in shape.items()
        for record in records
    }


def _same(one: object, other: object) -> bool:
    """Equality in which NaN equals NaN."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def test_a_revised_checklist_goes_out_with_the_scores_that_it_was_scored_by(
    study: Workbench,
) -> None:
    revised = "Core:\n1. Names warfarin"
    revise_checklist(
        study.store, study.study, study.question("MR:1:1"), revised, reason="why", by="Dr Tang"
    )
    study.baseline_judges()
    _, shape = _exports(study)
    assert _by_key(shape)["MR:1:1"]["checklist"] == revised
    assert _by_key(shape)["MK:1:1"]["checklist"] == QUESTIONS["MK:1:1"]["checklist"]


def test_the_export_is_the_import_with_answer_score_and_judgement(study: Workbench) -> None:
    study.baseline_judges()

    done, shape = _exports(study)

    assert done == Exported("baseline", 7, 7, 0)
    assert list(shape) == list(CATEGORY_CODES)
    scores = dict(
        study.rows(
            "SELECT key, value FROM assessment JOIN response ON response.id = response_id"
            " JOIN model ON model.id = model_id JOIN question ON question.id = response.question_id"
            " WHERE label = 'cedar'"
        )
    )
    added = {
        key: {
            "model_answer": CEDAR[key],
            "model_answer_score": str(scores[key]),
            "model_answer_judgement": _by_key(shape)[key]["model_answer_judgement"],
        }
        for key in QUESTIONS
    }
    assert _same(shape, five_keys(QUESTIONS, added))
    assert all(one["model_answer_judgement"].startswith("coverage ") for one in added.values())


def test_nan_and_missing_fields_come_back_as_they_were(study: Workbench) -> None:
    study.baseline_judges()

    _exports(study)

    text = (study.folder / "out.json").read_text(encoding="utf-8")
    records = _by_key(json.loads(text))
    assert text.count("NaN") == 2
    assert _same(records["MLU:1:1"]["checklist"], float("nan"))
    assert _same(records["MTG:1:1"]["sanswer"], float("nan"))
    assert records["MLU:2:1"]["sanswer"] == 2
    assert "checklist" not in records["MR:1:1"]


def test_without_a_score_the_reason_is_told(study: Workbench, server: OpenAIServer) -> None:
    study.model_answers("cedar", {"MSE:1:1": ""})
    server.fails(PROSE, when=lambda prompt: CEDAR["MR:1:1"] in prompt)
    study.endpoint_judges(server, limit=11)

    done, shape = _exports(study)

    records = _by_key(shape)
    assert {
        key: record["model_answer_unscored"]
        for key, record in records.items()
        if "model_answer_unscored" in record
    } == {"MR:1:1": "no_verdict", "MSE:1:1": "no_response: empty", "MTG:1:1": "pending"}
    assert done == Exported("oak", 7, 4, 3)
    for key in ("MR:1:1", "MSE:1:1", "MTG:1:1"):
        assert records[key]["model_answer_score"] == ""
    assert records["MSE:1:1"]["model_answer"] == ""


def test_a_question_that_the_model_never_got_is_there_too(study: Workbench) -> None:
    study.model_answers("elm", {"MR:1:1": "An ECG."})
    study.baseline_judges()

    done, shape = _exports(study, model="elm")

    assert done == Exported("baseline", 7, 1, 6)
    assert _by_key(shape)["MK:1:1"] == five_keys(QUESTIONS)["医疗知识"][0] | {
        "model_answer": "", "model_answer_score": "", "model_answer_judgement": "",
        "model_answer_unscored": "no_response",
    }  # fmt: skip


def _scripted_rounds(study: Workbench, server: OpenAIServer, *scores: int) -> None:
    study.model_answers("elm", {"MR:1:1": "An ECG."})
    for score in scores:
        said = saying(score, f"Round says {score}.")
        server.fails(said, times=1, when=lambda prompt: "An ECG." in prompt)
    study.endpoint_judges(server, rounds=len(scores), concurrency=1)


@pytest.mark.parametrize(
    ("scores", "wanted", "written"),
    [
        ((5, 4, 3), None, "4"),
        ((5, 4, 4), None, "4.333"),  # 13/3
        ((5, 4, 3), 1, "5"),
        ((5, 4, 3), 3, "3"),
    ],
)
def test_rounds_are_written_as_their_mean_or_one_by_one(
    study: Workbench,
    server: OpenAIServer,
    scores: tuple[int, ...],
    wanted: int | None,
    written: str,
) -> None:
    _scripted_rounds(study, server, *scores)

    _, shape = _exports(study, model="elm", round=wanted)

    record = _by_key(shape)["MR:1:1"]
    assert record["model_answer_score"] == written
    asked = scores if wanted is None else scores[wanted - 1 : wanted]
    assert record["model_answer_judgement"] == "\n\n".join(f"Round says {one}." for one in asked)


def test_the_marks_of_every_round_are_exported_with_their_requirements(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server, rounds=2)

    both, second = (_by_key(_exports(study, round=wanted)[1]) for wanted in (None, 2))

    marks = both["MTG:1:1"]["model_answer_requirements"]
    assert [(mark["round"], mark["number"], mark["level"]) for mark in marks] == [
        (1, 1, "core"), (1, 2, "core"), (2, 1, "core"), (2, 2, "core"),
    ]  # fmt: skip
    assert marks[0]["text"] == "States metformin 500 mg twice daily"
    assert {mark["quote"] for mark in marks} == {CEDAR["MTG:1:1"][:8]}
    assert {mark["mark"] for mark in marks} <= {"met", "partly", "not_met"}
    assert second["MTG:1:1"]["model_answer_requirements"] == marks[2:]
    assert "model_answer_requirements" not in both["MR:1:1"]  # it has no requirements


def test_a_missing_round_leaves_the_mean_out(study: Workbench, server: OpenAIServer) -> None:
    server.fails(PROSE, times=2, when=lambda prompt: CEDAR["MR:1:1"] in prompt)
    study.endpoint_judges(server, rounds=2, concurrency=1)

    mean, second = (_by_key(_exports(study, round=wanted)[1])["MR:1:1"] for wanted in (None, 2))

    assert (mean["model_answer_score"], mean["model_answer_unscored"]) == ("", "no_verdict")
    assert second["model_answer_score"] in set("12345")


def test_a_revised_question_is_exported_as_pending_until_it_is_judged_again(
    study: Workbench,
) -> None:
    study.baseline_judges()
    question = study.question("MR:1:1")
    revise_checklist(study.store, study.study, question, "1. ECG", reason="r", by="Dr Weber")

    done, shape = _exports(study)

    assert done == Exported("baseline", 7, 6, 1)
    assert _by_key(shape)["MR:1:1"]["model_answer_unscored"] == "pending"


def test_the_newest_judge_is_exported_unless_another_is_named(study: Workbench) -> None:
    study.model_answers("cedar", CEDAR, scores=dict.fromkeys(CEDAR, "0"))
    study.baseline_judges()

    newest, named = (_exports(study, judge=judge)[1] for judge in (None, "imported"))

    assert {one["model_answer_score"] for one in _by_key(named).values()} == {"0"}
    assert "0" not in {one["model_answer_score"] for one in _by_key(newest).values()}


def test_importing_an_export_gives_the_same_scores(study: Workbench, server: OpenAIServer) -> None:
    study.model_answers("cedar", {"MSE:1:1": ""})
    server.fails(PROSE, when=lambda prompt: CEDAR["MR:1:1"] in prompt)
    study.endpoint_judges(server)
    _, first = _exports(study)

    done = import_responses(
        study.store,
        study.folder / "out.json",
        ResponseImport("ward", "cedar", "Dr Lead", judge="from export"),
    )

    assert (done.added, done.changed, done.unchanged) == (0, 0, 7)
    assert (done.scored, done.unscored) == (5, 2)
    _, second = _exports(study, judge="from export")
    for key, record in _by_key(first).items():
        again = _by_key(second)[key]
        assert again["model_answer_score"] == record["model_answer_score"]
        assert again["model_answer_judgement"] == record["model_answer_judgement"]
        assert again.get("model_answer_unscored") == record.get("model_answer_unscored")


def test_an_export_can_be_imported_as_a_benchmark_and_exported_without_old_scores(
    study: Workbench,
) -> None:
    study.model_answers("elm", {"MR:1:1": "An ECG."})
    study.baseline_judges()
    _exports(study, model="elm")  # MK:1:1 says model_answer_unscored
    import_questions(study.store, study.folder / "out.json", QuestionImport("again", "Dr Lead"))
    study.name = "again"
    study.model_answers("cedar", CEDAR)
    study.baseline_judges()

    done, shape = _exports(study)

    assert done == Exported("baseline", 7, 7, 0)
    assert not any("model_answer_unscored" in record for record in _by_key(shape).values())


@pytest.mark.parametrize(
    ("code", "kind", "options"),
    [
        ("unknown_dataset", UnknownName, {"dataset": "elsewhere"}),
        ("unknown_model", UnknownName, {"model": "pine"}),
        ("unknown_judge", UnknownName, {"judge": "oak"}),
    ],
)
def test_an_unknown_name_writes_no_file(
    study: Workbench, code: str, kind: type[AttendingError], options: dict[str, str]
) -> None:
    study.baseline_judges()
    out = study.folder / "out.json"

    with pytest.raises(kind, match=code):
        export_llmeval_med(
            study.store, Export(**{"dataset": "ward", "model": "cedar", **options}), out
        )

    assert not out.exists()


def test_a_study_without_a_judge_is_refused(study: Workbench) -> None:
    with pytest.raises(Refused, match="no_judge"):
        _exports(study)


@pytest.mark.parametrize("place", ["missing folder", "folder", "under a file"])
def test_a_path_that_cannot_be_written_is_one_error_and_no_file(
    study: Workbench, tmp_path: Path, place: str
) -> None:
    study.baseline_judges()
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "taken").mkdir()
    (folder / "file").write_text("kept")
    out = {
        "missing folder": folder / "missing" / "out.json",
        "folder": folder / "taken",
        "under a file": folder / "file" / "out.json",
    }[place]

    with pytest.raises(Refused) as caught:
        export_llmeval_med(study.store, Export("ward", "cedar"), out)

    assert caught.value.code == "cannot_write"
    assert caught.value.values["file"] == str(out)
    assert sorted(path.name for path in folder.rglob("*")) == ["file", "taken"]
    assert (folder / "file").read_text() == "kept"


def test_an_export_replaces_the_file_and_may_be_read_by_others(study: Workbench) -> None:
    study.baseline_judges()
    out = study.folder / "out.json"
    out.write_text("old")
    readable = stat.S_IMODE(out.stat().st_mode)

    _exports(study, model="cedar")
    first = out.read_text(encoding="utf-8")
    _exports(study, model="willow")

    assert CEDAR["MK:1:1"] in first
    assert WILLOW["MK:1:1"] in out.read_text(encoding="utf-8")
    assert stat.S_IMODE(out.stat().st_mode) == readable


def test_the_real_benchmark_comes_back_to_the_letter(empty: Workbench, real_file: Path) -> None:
    import_questions(empty.store, real_file, QuestionImport("ward", "Dr Lead"))
    content = json.loads(real_file.read_text(encoding="utf-8"))
    answered = {
        name: [
            record | {"model_answer": f"Answer {number}."} for number, record in enumerate(found)
        ]
        for name, found in content.items()
    }
    path = empty.file(answered, "cedar.json")
    import_responses(empty.store, path, ResponseImport("ward", "cedar", "Dr Lead"))
    empty.baseline_judges()

    done, shape = _exports(empty)

    progress = progress_of(empty.store, empty.study.id, empty.judge())
    assert (done.questions, done.scored) == (667, progress.judged)
    added = {"model_answer_score", "model_answer_judgement", "model_answer_unscored"}
    stripped = {
        name: [{k: v for k, v in record.items() if k not in added} for record in records]
        for name, records in shape.items()
    }
    assert list(stripped) == list(content)
    assert _same(stripped, answered)


def test_a_field_that_nobody_reads_comes_back_whatever_it_holds(empty: Workbench) -> None:
    odd = {"MR:1:1": QUESTIONS["MR:1:1"] | {"note": "half a pair: \ud83d", "list": [1, None]}}
    path = empty.folder / "odd.json"
    path.write_text(json.dumps(five_keys(odd)), encoding="ascii")
    import_questions(empty.store, path, QuestionImport("ward", "Dr Lead"))
    empty.model_answers("cedar", {"MR:1:1": "An ECG."})
    empty.baseline_judges()

    _, shape = _exports(empty)

    record = _by_key(shape)["MR:1:1"]
    assert (record["note"], record["list"]) == ("half a pair: \ud83d", [1, None])

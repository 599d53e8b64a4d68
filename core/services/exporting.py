"""Exporting: a model's responses with a judge's scores, in the released shape."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import Refused, UnknownName
from core.formats import catalogue, llmeval_med
from core.services.judging import judge_of_study
from core.services.naming import dataset_named, study_of_dataset
from core.services.permitting import require
from core.store import criteria, judge_rounds, marks, questions, responses
from core.store.database import Store
from core.store.judge_rounds import MachineScore


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be exported.

    Attributes:
        judge: None for the study's newest judge.
        round: a judging round, or None for the mean of all rounds.
    """

    dataset: str
    model: str
    judge: str | None = None
    sample: int = 1
    round: int | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export holds."""

    judge: str
    questions: int
    scored: int
    unscored: int


def export_llmeval_med(store: Store, export: Export, out: Path) -> Exported:
    """Write every question's record with `model_answer` and the judge's score and judgement.

    Without a score `model_answer_score` is "" and `model_answer_unscored` says why.
    `model_answer_requirements` has the judge's mark of every requirement, by round. The file
    appears whole or not at all.

    Raises:
        UnknownName: `unknown_dataset`, `unknown_model`, `unknown_judge`.
        Refused: `no_judge`; `cannot_write` where the file can't be written.
    """
    require(store, "lead")
    dataset = dataset_named(store, export.dataset)
    study = study_of_dataset(store, export.dataset)
    model_id = responses.model_id_of(store, export.model)
    if model_id is None:
        known = ", ".join(label for _, label in responses.models_of_study(store, study.id))
        raise UnknownName("unknown_model", name=export.model, known=known or "–")
    judge, rounds = judge_of_study(store, study, export.judge)
    answers = responses.responses_of_model(store, dataset.id, model_id, export.sample)
    records: list[tuple[str, dict[str, Any]]] = []
    scored = 0
    ids = questions.question_ids(store, dataset.id)
    for key, written in questions.records(store, dataset.id).items():
        record = _five_key_record(store, study.id, key, ids[key], written, dataset.format)
        for name in ("model_answer_unscored", "model_answer_requirements"):
            record.pop(name, None)  # of the file that was imported, not of this one
        answer = answers.get(ids[key])
        record["model_answer"] = (answer.text if answer else None) or ""
        if answer is None or answer.text is None:
            because = (answer.absent_because if answer else None) or "no_response"
            record |= _unscored(f"no_response: {because}" if answer else because)
        else:
            verdicts = [
                verdict
                for verdict in judge_rounds.machine_scores(store, study.id, answer.id)
                if verdict.judge == judge.name and verdict.is_active
                and verdict.purpose == "study" and verdict.round <= rounds
            ]  # fmt: skip
            record |= _score(verdicts, rounds, export.round)
            record |= _requirements(store, answer.id, verdicts, export.round)
        scored += record["model_answer_score"] != ""
        records.append((key.split(":")[0], record))
    write_whole(out, llmeval_med.released_text(records))
    return Exported(judge.name, len(records), scored, len(records) - scored)


def _five_key_record(
    store: Store, study_id: int, key: str, question_id: int, written: str, format_: str
) -> dict[str, Any]:
    """A question's record with LLMEval-Med's fields, and the texts that are in use.

    Of another format, it is made of what is asked.
    """
    record: dict[str, Any] = json.loads(written)
    active = criteria.active_version(store, study_id, question_id).criteria
    if not catalogue.is_declared(format_):
        read = llmeval_med.criteria_of_record(written)
        texts = {
            "problem": (read.question_text, active.question_text),
            "sanswer": (read.reference_answer, active.reference_answer),
            "checklist": (read.checklist, active.checklist),
        }
        return record | {name: now for name, (before, now) in texts.items() if now != before}
    category, group, turn = key.split(":")
    return {
        "category1": category, "round": int(turn),
        "groupCode": int(group) if group.isdecimal() else group,
        "problem": active.question_text, "sanswer": active.reference_answer,
        "checklist": active.checklist,
    }  # fmt: skip


def _score(verdicts: list[MachineScore], rounds: int, wanted: int | None) -> dict[str, str]:
    """Score, judgement and reason of one round, or the mean over all rounds."""
    last = {verdict.round: verdict for verdict in verdicts}
    asked = range(1, rounds + 1) if wanted is None else (wanted,)
    found = [last.get(number) for number in asked]
    missing = [one for one in found if one is None or one.value is None]
    if missing:
        first = missing[0]
        because = "pending" if first is None else first.unscored_because or ""
        return _unscored(because, first.rationale if first else "")
    values = [one.value for one in found if one is not None and one.value is not None]
    mean = sum(values) / len(values)
    return {
        "model_answer_score": str(int(mean)) if mean.is_integer() else f"{mean:.4g}",
        "model_answer_judgement": "\n\n".join(one.rationale for one in found if one),
    }


def _requirements(
    store: Store, response_id: int, verdicts: list[MachineScore], wanted: int | None
) -> dict[str, list[dict[str, Any]]]:
    """The marks of the rounds that are exported; nothing where a judge gives none."""
    last = {verdict.round: verdict for verdict in verdicts}
    given = marks.requirement_marks(store, response_id)
    found = [
        {
            "round": number, "number": mark.number, "level": mark.level, "text": mark.text,
            "mark": mark.mark, "quote": mark.quote,
        }
        for number, verdict in sorted(last.items())
        if wanted in (None, number)
        for mark in given.get(verdict.id, [])
    ]  # fmt: skip
    return {"model_answer_requirements": found} if found else {}


def _unscored(because: str, judgement: str = "") -> dict[str, str]:
    return {
        "model_answer_score": "",
        "model_answer_judgement": judgement,
        "model_answer_unscored": because,
    }


def write_whole(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all.

    Raises:
        Refused: `cannot_write`.
    """
    unfinished = path.parent / f".{path.name}.{os.getpid()}"
    try:
        # half of a surrogate pair has no UTF-8; backslashreplace writes it as JSON's own \ud83d
        unfinished.write_bytes(text.encode("utf-8", "backslashreplace"))
        os.replace(unfinished, path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise Refused("cannot_write", file=str(path), problem=error.strerror or "") from error

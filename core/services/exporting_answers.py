"""Exporting answers in the shapes in which benchmarks take them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.domain.choices import ChoiceReader
from core.domain.closed import in_file_labels, presented
from core.errors import Refused, UnknownName
from core.services.exporting import write_whole
from core.services.naming import dataset_named, study_of_dataset
from core.services.permitting import require
from core.store import exams, exercises, questions, responses
from core.store.database import Store
from core.store.responses import Response

#: `medbench`: the imported lines with `answer` filled; `cmb`: a list of `id` and `model_answer`.
Shape = Literal["medbench", "cmb"]
SHAPES: tuple[Shape, ...] = ("medbench", "cmb")


@dataclass(frozen=True, slots=True)
class AnswersExported:
    """What a file of answers holds.

    Attributes:
        unanswered: questions without a response, or (in letters) without a choice that was read.
    """

    questions: int
    unanswered: int


def export_answers(
    store: Store, dataset: str, model: str, shape: Shape, out: Path, *, sample: int = 1
) -> AnswersExported:
    """Write a model's answers to a dataset in a benchmark's own shape; whole or not at all.

    MedBench takes the same lines with the answer's text; CMB the letters of closed questions.
    What is missing is '' and counted.

    Raises:
        UnknownName: `unknown_dataset`, `unknown_model`.
        Refused: `not_that_shape` where the dataset's records are of another format;
            `cannot_write`.
    """
    require(store, "lead")
    found = dataset_named(store, dataset)
    needed = ("medbench", "medbench-passages") if shape == "medbench" else ("cmb-exam",)
    if found.format not in needed:
        raise Refused("not_that_shape", shape=shape, dataset=dataset, format=found.format)
    model_id = responses.model_id_of(store, model)
    if model_id is None:
        study = study_of_dataset(store, dataset)
        known = ", ".join(label for _, label in responses.models_of_study(store, study.id))
        raise UnknownName("unknown_model", name=model, known=known or "–")
    answers = responses.responses_of_model(store, found.id, model_id, sample)
    ids = questions.question_ids(store, found.id)
    records, unanswered = [], 0
    for key, written in questions.records(store, found.id).items():
        record: dict[str, Any] = json.loads(written)
        answer = answers.get(ids[key])
        if shape == "medbench":
            said = (answer.text if answer else None) or ""
            records.append(record | {"answer": said})
        else:
            said = _letters(store, answer)
            records.append({"id": record.get("id", key.split(":")[1]), "model_answer": said})
        unanswered += not said
    write_whole(out, _text(shape, records))
    return AnswersExported(len(records), unanswered)


def _text(shape: Shape, records: list[dict[str, Any]]) -> str:
    if shape == "cmb":
        return json.dumps(records, ensure_ascii=False, indent=1) + "\n"
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _letters(store: Store, answer: Response | None) -> str:
    """The letters that an answer chooses, as the file labels the options; '' where none is read."""
    if answer is None or answer.text is None:
        return ""
    criteria_id, order = exams.asked_with(store, answer.id)
    closed = exercises.closed_of(store, criteria_id)
    if closed is None:
        return ""
    options = presented(closed, order) if order else closed.options
    chosen = ChoiceReader(options, takes_several=closed.takes_several).choice(answer.text).chosen
    if chosen is None:
        return ""
    return in_file_labels(chosen, order) if order else chosen

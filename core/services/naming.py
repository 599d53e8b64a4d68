"""Naming: what the name of a dataset or a study, or the key of a question, stands for."""

from core.errors import UnknownName
from core.store import datasets as dataset_rows
from core.store import questions, studies
from core.store.database import Store
from core.store.datasets import Dataset
from core.store.questions import Question
from core.store.studies import Study


def dataset_named(store: Store, name: str) -> Dataset:
    """The dataset of that name.

    Raises:
        UnknownName: `unknown_dataset`, with the names that exist.
    """
    found = dataset_rows.dataset_named(store, name)
    if found is None:
        known = ", ".join(dataset.name for dataset in dataset_rows.datasets(store))
        raise UnknownName("unknown_dataset", name=name, known=known or "–")
    return found


def study_of_dataset(store: Store, name: str) -> Study:
    """The study that was made with a dataset.

    Raises:
        UnknownName: `unknown_dataset`.
    """
    found = studies.studies_of_dataset(store, dataset_named(store, name).id)
    study = studies.study_by_id(store, found[0])
    assert study is not None
    return study


def study_named(store: Store, name: str) -> Study:
    """The study of that name.

    Raises:
        UnknownName: `unknown_study`, with the names that exist.
    """
    known = {study.name: study for study in studies.studies(store)}
    if name not in known:
        raise UnknownName("unknown_study", name=name, known=", ".join(known) or "–")
    return known[name]


def question_of_study(store: Store, study: Study, key: str) -> Question:
    """The question with that key.

    Raises:
        UnknownName: `unknown_question_key`.
    """
    for question in questions.questions_of_study(store, study.id):
        if question.key == key:
            return question
    raise UnknownName("unknown_question_key", key=key, dataset=study.name)

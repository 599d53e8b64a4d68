"""A generated study of any size, written row by row: for measuring, and for looking at pages."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.domain.questions import CATEGORIES
from core.domain.scales import ONE_TO_FIVE
from core.services.opening import ensure_workbench
from core.store import (
    datasets,
    human_scores,
    judges,
    people,
    responses,
    studies,
)
from core.store.assessments import Given
from core.store.database import Store, opened

_SHARES = (0.47, 0.17, 0.15, 0.08, 0.13)
_CATEGORY2 = ("Basic", "Clinical", "Public health")


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    questions: int = 667
    models: int = 13
    samples: int = 3
    rounds: int = 3
    physicians: int = 4
    scores: int = 2_000
    judges: int = 1


def ensure_large_study(path: Path, size: Size, *, seed: int = 0) -> None:
    """Write a study called `large` into a new database."""
    ensure_workbench(path)
    with opened(path) as store, store.writing():
        _Writer(store, size, np.random.default_rng(seed)).write()


class _Writer:
    """Questions have a difficulty, models a skill, and judge and physicians see both with error."""

    def __init__(self, store: Store, size: Size, generator: np.random.Generator) -> None:
        self.store, self.size, self.generator = store, size, generator

    def write(self) -> None:
        """Write everything in the order in which it refers to each other."""
        store = self.store
        dataset_id = datasets.add_dataset(
            store, "large", "generated", is_illustrative=True, by="bench"
        )
        datasets.add_marking(store, dataset_id, "local", reason="generated", by="bench")
        self.study_id = studies.add_study(store, "large", reveal="never", by="bench")
        studies.add_dataset_to_study(store, self.study_id, dataset_id)
        self._questions(dataset_id)
        self._responses()
        for number in range(1, self.size.judges + 1):
            self._judge(number)
        self._physicians()

    def _questions(self, dataset_id: int) -> None:
        count = self.size.questions
        self.categories = self.generator.choice(CATEGORIES, count, p=_SHARES)
        self.hardness = self.generator.normal(size=count)
        store, study = self.store, self.study_id
        rows = range(count)
        store.add_many(
            "INSERT INTO conversation (id, dataset_id, category, group_code) VALUES (?, ?, ?, ?)",
            [(i + 1, dataset_id, str(self.categories[i]), str(i + 1)) for i in rows],
        )
        store.add_many(
            "INSERT INTO question (id, dataset_id, conversation_id, turn, key, category, language,"
            " position) VALUES (?, ?, ?, 1, ?, ?, 'en', ?)",
            [
                (i + 1, dataset_id, i + 1, f"{self.categories[i]}:{i + 1}:1",
                 str(self.categories[i]), i)
                for i in rows
            ],
        )  # fmt: skip
        store.add_many(
            "INSERT INTO question_record (question_id, record, category2, scene, difficulty,"
            " created_by) VALUES (?, '{}', ?, ?, ?, 'bench')",
            [
                (i + 1, _CATEGORY2[i % 3], f"Ward {i % 5}", ("easy", "medium", "hard")[i % 3])
                for i in rows
            ],
        )
        store.add_many(
            "INSERT INTO criteria (id, question_id, version, question_text, reference_answer,"
            " checklist, content_hash, reason, created_by)"
            " VALUES (?, ?, 1, 'Question', 'Answer', '', ?, 'generated', 'bench')",
            [(i + 1, i + 1, str(i)) for i in rows],
        )
        store.add_many(
            "INSERT INTO criteria_activation (study_id, question_id, criteria_id, reason,"
            " created_by) VALUES (?, ?, ?, 'generated', 'bench')",
            [(study, i + 1, i + 1) for i in rows],
        )

    def _responses(self) -> None:
        size = self.size
        self.skill = np.linspace(1.2, -0.8, size.models)
        model_ids = [
            responses.ensure_model(self.store, f"model-{number:02d}")
            for number in range(1, size.models + 1)
        ]
        grid = np.array(np.meshgrid(
            np.arange(size.questions), np.arange(size.models), np.arange(size.samples),
            indexing="ij",
        )).reshape(3, -1)  # fmt: skip
        self.question, self.model, sample = grid
        count = grid.shape[1]
        self.worth = (
            self.skill[self.model] - 0.8 * self.hardness[self.question]
            + 0.6 * self.generator.normal(size=count)
        )  # fmt: skip
        self.store.add_many(
            "INSERT INTO response (id, question_id, model_id, sample, attempt, criteria_id, text,"
            " origin, created_by) VALUES (?, ?, ?, ?, 1, ?, 'An answer.', 'imported', 'bench')",
            [
                (i + 1, int(q) + 1, model_ids[m], int(s) + 1, int(q) + 1)
                for i, (q, m, s) in enumerate(zip(self.question, self.model, sample, strict=True))
            ],
        )

    def _judge(self, number: int) -> None:
        store, size = self.store, self.size
        configuration = judges.ensure_configuration(
            store, "imported", f"judge-{number}", {"number": number}
        )
        judge_id = judges.add_judge(
            store, f"judge-{number}", configuration, ONE_TO_FIVE.name, by="bench"
        )
        judges.add_plan(store, self.study_id, judge_id, size.rounds, by="bench")
        prompt_id = judges.ensure_prompt(
            store, judges.ANY, judges.ANY, "", reason="none", by="bench"
        )
        judge = judges.judge_by_id(store, judge_id)
        judges.activate_prompt(
            store, self.study_id, judge, judges.prompt_by_id(store, prompt_id),
            reason="generated", by="bench",
        )  # fmt: skip
        rater = judges.ensure_rater(store, configuration, prompt_id)
        lenient = 0.3 + 0.1 * number
        seen = self.worth + lenient + 0.4 * self.generator.normal(size=len(self.worth))
        for round_number in range(1, size.rounds + 1):
            scores = _scores(seen + 0.2 * self.generator.normal(size=len(seen)))
            unscored = self.generator.random(len(scores)) < 0.005
            store.add_many(
                "INSERT INTO assessment (response_id, rater_id, criteria_id, purpose, round,"
                " attempt, scale, value, unscored_because, claimed_phase, created_by)"
                " VALUES (?, ?, ?, 'study', ?, 1, ?, ?, ?, 'observed', 'bench')",
                [
                    (
                        i + 1, rater, int(q) + 1, round_number, ONE_TO_FIVE.name,
                        None if u else int(s), "no_verdict" if u else None,
                    )
                    for i, (q, s, u) in enumerate(
                        zip(self.question, scores, unscored, strict=True)
                    )
                ],
            )  # fmt: skip

    def _physicians(self) -> None:
        size, store = self.size, self.store
        each = min(len(self.worth), size.scores // size.physicians)
        pool = self.generator.permutation(len(self.worth))[: min(len(self.worth), 2 * each)]
        for number in range(1, size.physicians + 1):
            person = people.ensure_person(store, f"Dr {number}")
            rater = judges.ensure_person_rater(store, person.id)
            chosen = self.generator.choice(pool, each, replace=False)
            scores = _scores(self.worth[chosen] + 0.4 * self.generator.normal(size=each))
            store.add_many(
                "INSERT INTO assessment (response_id, rater_id, criteria_id, purpose, round,"
                " attempt, scale, value, claimed_phase, created_by)"
                " VALUES (?, ?, ?, 'study', 1, 1, ?, ?, 'blind', 'bench')",
                [
                    (int(i) + 1, rater, int(self.question[i]) + 1, ONE_TO_FIVE.name, int(s))
                    for i, s in zip(chosen, scores, strict=True)
                ],
            )


def one_more_score(store: Store) -> None:
    """A physician scores a response that they had not scored, as happens while others look."""
    with store.writing():
        rater = judges.ensure_person_rater(store, people.ensure_person(store, "Dr New").id)
        response = store.row(
            "SELECT id, question_id FROM response WHERE id NOT IN"
            " (SELECT response_id FROM assessment WHERE rater_id = ?) LIMIT 1", (rater,),
        )  # fmt: skip
        assert response is not None
        human_scores.add_human_assessment(
            store, response["id"], rater, response["question_id"], Given(ONE_TO_FIVE, 4, None),
            claimed_phase="blind", reason="", by="bench",
        )  # fmt: skip


def _scores(worth: np.ndarray) -> np.ndarray:
    return np.clip(np.round(3.5 + 1.2 * worth), 1, 5).astype(int)


if __name__ == "__main__":
    ensure_large_study(Path(sys.argv[1]), Size(*map(int, sys.argv[2:])))

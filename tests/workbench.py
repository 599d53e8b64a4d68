"""A database in a temporary folder with a small study of our own writing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.formats.llmeval_med import CATEGORY_CODES
from core.services import offering, reviewing
from core.services.agreeing import cases_of
from core.services.importing import Imported
from core.services.importing_questions import QuestionImport, import_questions
from core.services.importing_responses import ResponseImport, import_responses
from core.services.importing_scores import ScoreImport, import_scores
from core.services.naming import dataset_named, question_of_study
from core.services.opening import ensure_workbench
from core.services.ordering import JudgeOrder, queue_judging
from core.services.reviewing import Scoring
from core.services.revising import revise
from core.services.revising_worklist import Entry, worklist
from core.services.sealing import ensure_seals, seals_of
from core.store import criteria, jobs, judges, people, questions, responses, studies
from core.store.criteria import CriteriaVersion
from core.store.database import Store, opened
from core.store.jobs import Job
from core.store.judges import Judge
from core.store.people import Person
from core.store.questions import Question
from core.store.responses import Response
from core.store.studies import Study
from core.worker.running import do_in_foreground
from tests.openai_server import OpenAIServer

NAN = float("nan")
_NAMES = {code: name for name, code in CATEGORY_CODES.items()}

#: Seven questions in the five categories, zh and en; MK:1 is a conversation of two turns.
QUESTIONS: dict[str, dict[str, Any]] = {
    "MK:1:1": {
        "category2": "药理学", "scene": "抗凝药", "difficulty": "易",
        "problem": "成人非瓣膜性房颤，CrCl 80 mL/min，利伐沙班每日几次、每次多少？",
        "sanswer": "20 mg，每日 1 次，随餐口服。",
        "checklist": "核心需求：\n1. 写明 20 mg 每日 1 次\n2. 写明随餐服用\n\n"
        "次要需求：\n1. 提到定期复查肾功能",
    },
    "MK:1:2": {
        "category2": "药理学", "scene": "抗凝药", "difficulty": "中",
        "problem": "半年后 CrCl 降到 35 mL/min，剂量如何调整？",
        "sanswer": "改为 15 mg，每日 1 次，随餐口服。",
        "checklist": "核心需求：\n1. 写明 15 mg 每日 1 次",
    },
    "MR:1:1": {
        "category2": "Inference", "scene": "Chest pain",
        "problem": "A 61-year-old man has crushing chest pain for 40 minutes. What comes first?",
        "sanswer": "A 12-lead ECG within 10 minutes; aspirin 300 mg unless contraindicated.",
    },
    "MLU:1:1": {
        "category2": "Extraction", "scene": "门诊记录", "difficulty": "难",
        "problem": "从记录中摘出用药：“每次2~3片，每日3次，饭后服；停用氨氯地平。”",
        "sanswer": "每次2~3片，每日3次，饭后；氨氯地平已停用。",
        "checklist": NAN,
    },
    "MLU:2:1": {
        "category2": "Table Data", "scene": "Laboratory", "difficulty": "易",
        "problem": "How many of these potassium values (3.1, 4.0, 6.2 mmol/L) are out of range?",
        "sanswer": 2,
        "checklist": "",
    },
    "MSE:1:1": {
        "category2": "用药安全", "scene": "妊娠", "difficulty": "中",
        "problem": "怀孕 8 周，家里有异维 A 酸，可以继续吃吗？",
        "sanswer": "核心需求：\n1. 明确要求立即停用异维 A 酸\n2. 说明致畸风险并建议尽快就诊",
    },
    "MTG:1:1": {
        "category2": "Text Generation", "scene": "Discharge letter",
        "problem": "Write a discharge sentence: the patient starts metformin 500 mg twice daily.",
        "sanswer": NAN,
        "checklist": "Core requirements:\n1. States metformin 500 mg twice daily\n"
        "2. Tells the patient to take it with meals",
    },
}  # fmt: skip

CEDAR = {
    "MK:1:1": "利伐沙班 20 mg，每日 1 次，随餐口服，定期复查肾功能。",
    "MK:1:2": "改为 15 mg，每日 1 次。",
    "MR:1:1": "Record a 12-lead ECG within 10 minutes and give aspirin 300 mg.",
    "MLU:1:1": "每次2~3片，每日3次，饭后；氨氯地平已停用。",
    "MLU:2:1": "2 of them.",
    "MSE:1:1": "请立即停用异维 A 酸，它有致畸风险，建议尽快就诊。",
    "MTG:1:1": "Please take metformin 500 mg twice daily with meals.",
}
WILLOW = {
    "MK:1:1": "利伐沙班 10 mg，每日 2 次。",
    "MK:1:2": "不需要调整。",
    "MR:1:1": "Wait for troponin before doing anything.",
    "MLU:1:1": "每次2片。",
    "MLU:2:1": "None of them.",
    "MSE:1:1": "可以继续吃，注意防晒。",
    "MTG:1:1": "Take your new tablets as told.",
}


def changed(key: str, **fields: Any) -> dict[str, dict[str, Any]]:
    """The study's questions with some fields of one of them changed."""
    return QUESTIONS | {key: QUESTIONS[key] | fields}


def five_keys(
    questions: Mapping[str, Mapping[str, Any]],
    added: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Questions by key in the released shape, with fields added by key."""
    shape: dict[str, list[dict[str, Any]]] = {name: [] for name in CATEGORY_CODES}
    for key, fields in questions.items():
        code, group, turn = key.split(":")
        place = {"category1": _NAMES[code], "round": int(turn), "groupCode": int(group)}
        extra = dict(added or {}).get(key, {})
        shape[_NAMES[code]].append({**place, **fields, **extra})
    return shape


def plain_questions(code: str, count: int) -> dict[str, dict[str, Any]]:
    """So many plain English questions of one category, a conversation each."""
    return {
        f"{code}:{number}:1": {
            "category2": "Plain", "scene": "", "problem": f"Plain question {number}?",
            "sanswer": f"Plain answer {number}.",
        }
        for number in range(1, count + 1)
    }  # fmt: skip


class Workbench:
    """One database with one study, called `ward`."""

    name = "ward"

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.path = store.path
        self.folder = folder

    # --- files ----------------------------------------------------------------------------

    def file(self, content: object, name: str = "ward.json") -> Path:
        """A file with this text, or with this content as JSON."""
        path = self.folder / name
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        return path

    # --- importing ------------------------------------------------------------------------

    def imports(
        self, questions: Mapping[str, Mapping[str, Any]] = QUESTIONS, **options: Any
    ) -> Imported:
        """Import questions as the study `ward`."""
        given = QuestionImport(self.name, "Dr Lead", **options)
        done = import_questions(self.store, self.file(five_keys(questions)), given)
        ensure_seals(self.store, self.study, salt=self.name)
        return done

    def model_answers(
        self,
        model: str,
        answers: Mapping[str, Any],
        *,
        questions: Mapping[str, Mapping[str, Any]] = QUESTIONS,
        scores: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Imported:
        """Import a model's answers, and released scores where given, in the five-key shape."""
        added = {key: {"model_answer": answer} for key, answer in answers.items()}
        for key, score in (scores or {}).items():
            added[key] |= {"model_answer_score": score, "model_answer_judgement": f"Says {score}."}
        asked = {key: questions[key] for key in answers}
        path = self.file(five_keys(asked, added), f"{model}.json")
        return import_responses(
            self.store, path, ResponseImport(self.name, model, "Dr Lead", **options)
        )

    def scores_arrive(self, lines: Sequence[str], *, header: str, phase: Any = "blind") -> Imported:
        """Import physicians' scores from a CSV of these lines."""
        path = self.file("\n".join([header, *lines]) + "\n", "scores.csv")
        return import_scores(self.store, path, ScoreImport(self.name, phase, "Dr Lead"))

    # --- what is there --------------------------------------------------------------------

    @property
    def study(self) -> Study:
        """The study as it stands."""
        dataset = dataset_named(self.store, self.name)
        study_id = studies.studies_of_dataset(self.store, dataset.id)[0]
        found = studies.study_by_id(self.store, study_id)
        assert found is not None
        return found

    def question(self, key: str) -> Question:
        """The question with that key."""
        return question_of_study(self.store, self.study, key)

    def response(self, key: str, model: str = "cedar", sample: int = 1) -> Response:
        """The current response of a model to a question."""
        model_id = responses.model_id_of(self.store, model)
        assert model_id is not None
        found = responses.response_to(self.store, self.question(key).id, model_id, sample)
        assert found is not None
        return found

    def judge(self, name: str = "baseline") -> Judge:
        """The judge of that name."""
        found = judges.judge_named(self.store, name)
        assert found is not None
        return found

    def counts(self) -> dict[str, int]:
        """Number of rows of every table."""
        names = [name for name in self.store.table_names() if not name.startswith("sqlite")]
        return {name: self.value(f"SELECT count(*) FROM {name}") for name in names}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return [tuple(row) for row in self.store.rows(sql)]

    def value(self, sql: str) -> Any:
        """First value of a query."""
        return self.store.value(sql)

    # --- judging --------------------------------------------------------------------------

    def queues(self, order: JudgeOrder) -> int:
        """Queue a judging order."""
        return queue_judging(self.store, self.study, order, by="Dr Lead")

    def does(self, order: JudgeOrder) -> Job:
        """Queue a judging order and do it in this process."""
        job_id = self.queues(order)
        assert do_in_foreground(self.path, job_id)
        return jobs.job_by_id(self.store, job_id)

    def baseline_judges(self, **options: Any) -> Job:
        """Judge with the baseline."""
        return self.does(replace(JudgeOrder("baseline", "baseline", {}), **options))

    def endpoint_judges(self, server: OpenAIServer, **options: Any) -> Job:
        """Judge with a model behind an endpoint."""
        return self.does(order_for(server, **options))

    # --- physicians -----------------------------------------------------------------------

    def physician(self, name: str = "Dr Lin") -> Person:
        """A physician, who arrives with the first call."""
        with self.store.writing():
            return people.ensure_person(self.store, name)

    def scores(
        self, person: Person, key: str, model: str, score: int | None, **scoring: Any
    ) -> bool:
        """Let a physician score a response."""
        response_id = self.response(key, model).id
        return reviewing.score(
            self.store, self.study, person, response_id, Scoring(score, **scoring)
        )

    def next_for(self, person: Person) -> int | None:
        """Id of the response that a physician gets next."""
        return offering.queue_of(self.store, self.study, person).next_response_id

    def reveals(self, when: Any) -> None:
        """Set when the judge's verdict is shown."""
        reviewing.set_reveal(self.store, self.study, when, reason="by design", by="Dr Lead")


def order_for(server: OpenAIServer, **options: Any) -> JudgeOrder:
    """An order for one round of model `oak` at an endpoint."""
    order = JudgeOrder("openai", "oak", {"temperature": 0.0}, rounds=1, addresses=(server.url,))
    return replace(order, **{"concurrency": 4, **options})


@contextmanager
def workbench_in(folder: Path) -> Iterator[Workbench]:
    """A workbench in a folder of its own, whose study is still to be imported."""
    folder.mkdir(exist_ok=True)
    path = folder / "workbench.db"
    ensure_workbench(path)
    with opened(path) as store:
        yield Workbench(store, folder)


def revise_checklist(
    store: Store, study: Study, question: Question, checklist: str, *, reason: str, by: str
) -> CriteriaVersion:
    """Revise the checklist alone."""
    active = criteria.active_version(store, study.id, question.id)
    revised = replace(active.criteria, checklist=checklist)
    return revise(store, study, question, revised, based_on=active.id, reason=reason, by=by)


def worklist_of(store: Store, study: Study, judge: Judge, rounds: int) -> list[Entry]:
    """The worklist as the page reads it."""
    cases = cases_of(store, study, judge, rounds)
    known = questions.questions_of_study(store, study.id)
    return worklist(store, study, cases, seals_of(store, study), known)

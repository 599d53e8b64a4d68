"""Surveying: where a study stands, and the one thing to do next."""

from dataclasses import dataclass
from typing import Literal

from core.services import examining_reports
from core.services.agreeing import cases_of
from core.services.choosing import counted
from core.services.comparing import Comparison, comparison_of
from core.services.examining_reports import ExamStanding
from core.services.permitting import require
from core.store import assessments, datasets, human_scores, jobs, judges, responses
from core.store.assessments import Plan, Progress
from core.store.database import Store
from core.store.jobs import Job
from core.store.judges import Judge
from core.store.responses import ResponseCounts
from core.store.studies import Study

Step = Literal[
    "import_responses", "judge", "wait", "score", "see_false_usable", "read_agreement", "read_exams"
]


@dataclass(frozen=True, slots=True)
class JudgeStanding:
    """One judge in a study: its keys, why some are unscored, and how it agrees."""

    judge: Judge
    rounds: int
    progress: Progress
    unscored_reasons: dict[str, int]
    comparison: Comparison
    false_usable: int


@dataclass(frozen=True, slots=True)
class Survey:
    """A study at a glance.

    Attributes:
        human_scores: scores by people that count towards agreement.
    """

    study: Study
    counts: ResponseCounts
    human_scores: int
    physicians: int
    judges: tuple[JudgeStanding, ...]
    running: tuple[Job, ...]
    personal_data: dict[str, int]
    next_step: Step
    exams: tuple[ExamStanding, ...]


def survey_of(store: Store, study: Study, *, waiting: int | None = None) -> Survey:
    """Survey a study.

    Args:
        waiting: how many responses wait for the person who asks; None where nobody in
            particular does.
    """
    require(store, "lead")
    counts = responses.response_counts(store, study.id)
    counting = [
        score
        for score in human_scores.counting(human_scores.human_scores_of_study(store, study.id))
        if score.value is not None
    ]
    standings = tuple(
        _standing(store, study, judge, rounds)
        for judge, rounds in judges.judges_of_study(store, study.id)
    )
    known = examining_reports.standings(store, study)
    running = tuple(job for job in jobs.unfinished_jobs(store) if job.study_id == study.id)
    personal: dict[str, int] = {}
    for dataset in datasets.datasets_of_study(store, study.id):
        for kind, count in datasets.finding_counts(store, dataset.id).items():
            personal[kind] = personal.get(kind, 0) + count
    return Survey(
        study, counts, len(counting), len({score.person_id for score in counting}),
        standings, running, personal,
        "read_exams" if known and not counts.questions and not running else _next_step(
            counts, standings, running, is_scored=_is_scored(counts, len(counting), waiting)
        ),
        known,
    )  # fmt: skip


def _standing(store: Store, study: Study, judge: Judge, rounds: int) -> JudgeStanding:
    plan = Plan(study.id, judge.id, rounds)
    cases = counted(cases_of(store, study, judge, rounds))
    return JudgeStanding(
        judge, rounds, assessments.progress(store, plan),
        assessments.unscored_reasons(store, plan), comparison_of(cases, judge),
        sum(case.is_false_usable for case in cases),
    )  # fmt: skip


def _is_scored(counts: ResponseCounts, human_scores: int, waiting: int | None) -> bool:
    return human_scores >= counts.present if waiting is None else waiting == 0


def _next_step(
    counts: ResponseCounts,
    standings: tuple[JudgeStanding, ...],
    running: tuple[Job, ...],
    *,
    is_scored: bool,
) -> Step:
    if not counts.present:
        return "import_responses"
    if running:
        return "wait"
    is_outstanding = any(
        standing.progress.outstanding and standing.judge.engine != "imported"
        for standing in standings
    )
    if not standings or is_outstanding:
        return "judge"
    if not is_scored:
        return "score"
    if any(standing.false_usable for standing in standings):
        return "see_false_usable"
    return "read_agreement"

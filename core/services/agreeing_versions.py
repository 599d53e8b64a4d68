"""Agreeing over versions: the same responses and scores under everything that was ever in use."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.domain.usability import JudgeReading, judge_reading
from core.services.agreeing import Case
from core.services.comparing import Comparison, comparison_of
from core.services.empanelling import Panel
from core.services.permitting import require
from core.store import questions, readings
from core.store.database import Store
from core.store.judges import Judge
from core.store.readings import Event, Verdict
from core.store.studies import Study

#: So many of the latest states are compared.
LATEST = 12


@dataclass(frozen=True, slots=True)
class State:
    """A judge with the criteria and prompts that were in use at one time.

    Attributes:
        at: when the last of them was put to use (UTC); '' for the state before any revision.
        revised: key of the question, or category of the prompt, that was revised last.
        reason, by: why and by whom.
        comparison: over the responses that were scored in every state.
    """

    at: str
    revised: str
    reason: str
    by: str
    comparison: Comparison


def states_of(store: Store, study: Study, panel: Panel, cases: Sequence[Case]) -> list[State]:
    """Agreement of a judge in each state that its criteria and prompts have been in.

    Oldest first, at most `LATEST`; only revisions that touch a scored response make a state. A
    jury, whose members have states of their own, has none.
    """
    require(store, "lead")
    if panel.rule is not None or not cases:
        return []
    judge, rounds = panel.members[0]
    timeline = _Timeline(store, study, judge, rounds, cases)
    steps = timeline.steps()[-LATEST:]
    read = [(event, timeline.cases_at(place)) for place, event in steps]
    common = set.intersection(*(set(found) for _, found in read))
    kept = [case.response_id for case in cases if case.response_id in common]
    return [
        State(
            event.at if event else "",
            timeline.named(event) if event else "",
            event.reason if event else "",
            event.by if event else "",
            comparison_of(
                [found[response_id] for response_id in kept], judge, only=("cohen_kappa",)
            ),
        )
        for event, found in read
    ]


class _Timeline:
    """What was in use after each activation, and the verdicts that it had brought."""

    def __init__(
        self, store: Store, study: Study, judge: Judge, rounds: int, cases: Sequence[Case]
    ) -> None:
        self._judge, self._rounds, self._cases = judge, rounds, cases
        known = questions.questions_of_study(store, study.id)
        self._questions = {question.id: question for question in known}
        self._events = readings.activations(store, study.id, judge.id)
        among = [case.response_id for case in cases]
        self._verdicts: dict[tuple[int, int, int], list[Verdict]] = defaultdict(list)
        for verdict in readings.verdicts_on(store, judge.id, among):
            key = (verdict.response_id, verdict.rater_id, verdict.criteria_id)
            self._verdicts[key].append(verdict)

    def steps(self) -> list[tuple[int, Event | None]]:
        """Number of activations after which each state began, with the one that began it."""
        seen: set[tuple[int | None, str, str]] = set()
        touched = {case.question_id for case in self._cases}
        kinds = {(self._questions[one].category, self._questions[one].language) for one in touched}
        found: list[tuple[int, Event | None]] = []
        for place, event in enumerate(self._events, 1):
            subject = (event.question_id, event.category, event.language)
            is_touched = event.question_id in touched or (event.category, event.language) in kinds
            if subject in seen and is_touched:
                found.append((place, event))
            seen.add(subject)
        first = self._events.index(found[0][1]) if found and found[0][1] else len(self._events)
        return [(first, None), *found]

    def named(self, event: Event) -> str:
        """What an activation revised."""
        if event.question_id is None:
            return event.category
        return self._questions[event.question_id].key

    def cases_at(self, place: int) -> dict[int, Case]:
        """The scored cases with the verdicts of one state, by response."""
        criteria: dict[int, int] = {}
        raters: dict[tuple[str, str], int] = {}
        for event in self._events[:place]:
            if event.question_id is None:
                raters[event.category, event.language] = event.used_id
            else:
                criteria[event.question_id] = event.used_id
        found = {}
        for case in self._cases:
            question = self._questions[case.question_id]
            rater = raters.get(("*", "*")) or raters.get((question.category, question.language))
            key = (case.response_id, rater or 0, criteria.get(case.question_id, 0))
            reading = self._reading(self._verdicts.get(key, []))
            if reading.usable is not None:
                found[case.response_id] = replace(case, judge=reading)
        return found

    def _reading(self, verdicts: Sequence[Verdict]) -> JudgeReading:
        values = [one.value for one in verdicts if one.round <= self._rounds]
        return judge_reading(values, self._judge.scale, rounds=self._rounds)

"""The revision loop on studies whose truth is known: what helps is seen, and what only seems to."""

from pathlib import Path

import pytest

from core.services.agreeing import cases_of
from core.services.deciding import activate_candidate
from core.services.pairing import Pair, Paired, paired
from core.services.prompting import add_prompt
from core.services.revising_effects import all_revisions
from core.services.sealing import seals_of
from core.services.testing import history_of
from core.services.weighing import result_of
from core.store import judges
from core.store.prompts import PromptVersion
from core.store.trials import trial_by_id
from tests.known_truth import DOSE_RULE, HARM_RULE, LENGTH_RULE, Experiment, experiment
from tests.workbench import worklist_of

_QUESTIONS = 40


@pytest.fixture
def trial_of_truth(tmp_path: Path):
    """Forty questions with the answers of four models."""
    with experiment(tmp_path, questions=_QUESTIONS) as found:
        yield found


def prompt_with(one: Experiment, rule: str) -> PromptVersion:
    """A new prompt that adds a rule to the one in use."""
    serving = judges.active_prompts(one.study.store, one.study.study.id, one.judge.id)
    old = next(each for each in serving if (each.category, each.language) == ("MK", "en"))
    return add_prompt(
        one.study.store, "MK", "en", f"{old.text}\n{rule}", reason="worklist", by="Dr Lead"
    )


def held_out_change(one: Experiment, candidate: PromptVersion) -> Paired:
    """Activate a prompt and compare before and after on what was held out."""
    study = one.study
    held = seals_of(study.store, study.study)

    def cases():
        found = cases_of(study.store, study.study, one.judge, 1)
        return {case.response_id: case for case in held.among(found, "held_out")}

    before = cases()
    done = activate_candidate(
        study.store, study.study, one.judge, candidate, reason="tried", by="Dr Lead"
    )
    one.does(done.job_id)
    return paired([Pair(before[key], case) for key, case in cases().items()])


def revise_all(one: Experiment, checklist) -> None:
    """Give each question on the worklist whose cases differ a new checklist, and use it."""
    study = one.study
    for entry in worklist_of(study.store, study.study, one.judge, 1):
        if not entry.differ:
            continue
        done = activate_candidate(
            study.store, study.study, one.judge, one.proposes(entry.key, checklist(entry.key)),
            reason="tried", by="Dr Lead",
        )  # fmt: skip
        one.does(done.job_id)


def test_a_prompt_that_mends_the_judge_lifts_what_was_held_out(trial_of_truth) -> None:
    one = trial_of_truth
    candidate = prompt_with(one, f"{LENGTH_RULE} {HARM_RULE}\n{DOSE_RULE}.")

    trial = trial_by_id(one.study.store, one.tries(candidate))
    assert trial is not None
    tried = result_of(one.study.store, one.study.study, trial)
    change = held_out_change(one, candidate)

    low = tried.revise.kappa_change.difference.low
    assert low is not None
    assert low > 0
    lifted = change.kappa_change.difference
    assert lifted.low is not None
    assert lifted.low > 0
    assert change.kappa_change.p is not None
    assert change.kappa_change.p < 0.05
    assert change.false_usable_after < change.false_usable_before


def test_checklists_that_ask_for_what_was_missing_lift_the_responses_held_back(
    trial_of_truth,
) -> None:
    one = trial_of_truth
    done = activate_candidate(
        one.study.store, one.study.study, one.judge, prompt_with(one, f"{LENGTH_RULE} {HARM_RULE}"),
        reason="tried", by="Dr Lead",
    )  # fmt: skip
    one.does(done.job_id)

    revise_all(one, lambda key: f"Core requirements:\n1. Names the drug\n2. {DOSE_RULE}")

    found = all_revisions(one.study.store, one.study.study, one.judge, 1)
    assert found is not None
    low = found.check.kappa_change.difference.low
    assert low is not None
    assert low > 0


def test_checklists_fitted_to_the_answers_seen_fail_on_those_held_back(trial_of_truth) -> None:
    """Each rejects the very answer that was wrongly passed, and nothing else."""
    one = trial_of_truth
    activated = activate_candidate(
        one.study.store, one.study.study, one.judge, prompt_with(one, f"{LENGTH_RULE} {HARM_RULE}"),
        reason="tried", by="Dr Lead",
    )  # fmt: skip
    one.does(activated.job_id)
    sealed = seals_of(one.study.store, one.study.study)
    wrong = {
        case.question: case.model
        for case in sealed.among(cases_of(one.study.store, one.study.study, one.judge, 1), "revise")
        if case.is_false_usable
    }

    def fitted(key: str) -> str:
        seen = f"case {key.split(':')[1]} of {wrong.get(key, 'nobody')}"
        return f"Core requirements:\n1. Names the drug\n2. Does not say {seen}"

    revise_all(one, fitted)

    found = all_revisions(one.study.store, one.study.study, one.judge, 1)
    assert found is not None
    seen, held_back = (each.kappa_change.difference for each in (found.revise, found.check))
    assert seen.low is not None
    assert held_back.value is not None
    assert held_back.low is not None
    assert seen.low > 0
    assert held_back.low <= 0
    assert found.revise.false_usable_after < found.revise.false_usable_before


def test_a_prompt_fitted_to_what_was_seen_fails_on_what_was_held_out(trial_of_truth) -> None:
    """It lists the numbers of the questions that were seen; the history shows both sides."""
    one = trial_of_truth
    numbers = ", ".join(key.split(":")[1] for key in one.sees("dev"))
    candidate = prompt_with(one, f"Reject the answers to: {numbers}.")

    change = held_out_change(one, candidate)

    store, study = one.study.store, one.study.study
    first, second = history_of(store, study, one.judge, "MK", "en", by="Dr Lead")
    assert first.dev
    assert second.dev
    assert first.held_out
    assert second.held_out
    assert second.dev.kappa is not None
    assert first.dev.kappa_high is not None
    assert second.dev.kappa > first.dev.kappa_high
    assert second.held_out.kappa is not None
    assert second.dev.kappa_low is not None
    assert second.held_out.kappa < second.dev.kappa_low
    assert (change.kappa_change.difference.low or 0.0) <= 0

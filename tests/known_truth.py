"""A study with a known truth: what is wrong with each answer is known, and so is how a judge errs.

Answers are sentences that hold a dose or not, advice that harms or not, and padding or not.
Physicians see the truth, but for a share of slips. The judge is an endpoint that reads the prompt
it is sent, and errs in the ways that the prompt and the checklist leave open.
"""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from core.services.revising import propose
from core.services.sealing import ensure_seals, seals_of
from core.services.trying import Candidate, Wish, begin_trial
from core.store import criteria
from core.store.criteria import CriteriaVersion
from core.store.judges import Judge
from core.worker.running import do_in_foreground
from tests.openai_server import Fault, OpenAIServer, Received, response_in, saying
from tests.workbench import Workbench, workbench_in

DOSE, HARM = "take 500 mg twice daily", "double the dose if it does not help"
PADDING = "As an experienced assistant I would like to consider this from many sides. " * 3
LENGTH_RULE = "Length is no merit."
HARM_RULE = "Advice that harms is never usable."
DOSE_RULE = "States the dose"
_BASE = "Core requirements:\n1. Names the drug"
_ONLY = re.compile(r"Reject the answers to: ([\d, ]+)\.")
_LIKE = re.compile(r"Does not say (case \d+ of \w+)")
_QUESTION = re.compile(r"What helps patient (\d+)\?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer holds, which is what is true of it."""

    has_dose: bool
    harms: bool
    is_long: bool
    mark: str

    @property
    def is_usable(self) -> bool:
        """Whether it is."""
        return self.has_dose and not self.harms

    @property
    def text(self) -> str:
        """The answer in words."""
        parts = [f"Metformin ({self.mark})"]
        parts += [DOSE] if self.has_dose else []
        parts += [HARM] if self.harms else []
        return "; ".join(parts) + "." + (f" {PADDING}" if self.is_long else "")


class Experiment:
    """One study with its judge at an endpoint.

    Args:
        slips: share of physicians' scores, and of verdicts, that are the wrong way round.
    """

    def __init__(
        self, study: Workbench, server: OpenAIServer, *, questions: int, models: int = 4,
        slips: float = 0.05, seed: int = 1,
    ) -> None:  # fmt: skip
        self.study, self.server, self.slips = study, server, slips
        self.random = random.Random(seed)
        self.keys = [f"MK:{number}:1" for number in range(1, questions + 1)]
        self.models = [f"model{number}" for number in range(models)]
        self.truth: dict[tuple[str, str], Answer] = {}
        server.draws(self._verdict)
        self._writes()

    @property
    def judge(self) -> Judge:
        """The scripted judge."""
        return self.study.judge("oak")

    def fooled_by_length(self, prompt: str) -> bool:
        """Whether the judge takes length for merit."""
        return LENGTH_RULE not in prompt

    def sees(self, place: str) -> list[str]:
        """Keys of the questions whose cases revisers may see, or that are held out."""
        held = seals_of(self.study.store, self.study.study).held_out
        is_held = place == "held_out"
        return [key for key in self.keys if (self.study.question(key).id in held) == is_held]

    def proposes(self, key: str, checklist: str) -> CriteriaVersion:
        """Store a checklist for a question."""
        study, question = self.study, self.study.question(key)
        active = criteria.active_version(study.store, study.study.id, question.id)
        return propose(
            study.store, study.study, question, replace(active.criteria, checklist=checklist),
            based_on=active.id, reason="from the worklist", by="Dr Lead",
        )  # fmt: skip

    def tries(self, candidate: Candidate, wish: Wish | None = None) -> int:
        """Try a candidate; the trial's id."""
        trial, job_id = begin_trial(
            self.study.store, self.study.study, self.judge, candidate, wish or Wish(),
            by="Dr Lead",
        )  # fmt: skip
        self.does(job_id)
        return trial.id

    def does(self, job_id: int | None) -> None:
        """Do a job in this process."""
        assert job_id is None or do_in_foreground(self.study.path, job_id)

    def _writes(self) -> None:
        questions = {
            key: {
                "category2": "Plain", "scene": "",
                "problem": f"What helps patient {key.split(':')[1]}?", "sanswer": "Metformin.",
                "checklist": _BASE,
            }
            for key in self.keys
        }  # fmt: skip
        self.study.imports(questions)
        ensure_seals(self.study.store, self.study.study, salt=self.study.name)
        lines = []
        for model in self.models:
            answers = {}
            for key in self.keys:
                answer = self._answer(key, model)
                self.truth[key, model] = answer
                answers[key] = answer.text
                lines += [
                    f"{key},{model},{physician},{5 if self._slipped(answer.is_usable) else 1}"
                    for physician in ("Dr Lin", "Dr Weber", "Dr Sato")
                ]
            self.study.model_answers(model, answers, questions=questions)
        self.study.scores_arrive(lines, header="question,model,physician,score")
        self.study.endpoint_judges(self.server, concurrency=16)

    def _answer(self, key: str, model: str) -> Answer:
        draw = self.random.random
        number = key.split(":")[1]
        return Answer(draw() < 0.6, draw() < 0.25, draw() < 0.5, f"case {number} of {model}")

    def _slipped(self, truth: bool) -> bool:
        return truth != (self.random.random() < self.slips)

    def _verdict(self, received: Received) -> Fault:
        """What the judge says: it sees the drug, and beside it what it was told to look for."""
        prompt, said = received.prompt, response_in(received.prompt)
        passes = DOSE in said or DOSE_RULE not in prompt
        if HARM_RULE in prompt:
            passes &= HARM not in said
        if LENGTH_RULE not in prompt and PADDING.strip() in said:
            passes = True
        if LENGTH_RULE not in prompt and DOSE not in said and PADDING.strip() not in said:
            passes = False
        if (like := _LIKE.search(prompt)) and like[1] in said:
            passes = False
        asked = _QUESTION.search(prompt)
        if (only := _ONLY.search(prompt)) and asked and asked[1] in only[1].split(", "):
            passes = DOSE in said and HARM not in said
        wobble = random.Random(f"{said}{len(prompt)}").random()
        return saying(5 if passes != (wobble < self.slips) else 1)


@contextmanager
def experiment(folder: Path, **options: object) -> Iterator[Experiment]:
    """An experiment in a folder, with an endpoint of its own."""
    with OpenAIServer() as server, workbench_in(folder) as study:
        yield Experiment(study, server, **options)  # type: ignore[arg-type]

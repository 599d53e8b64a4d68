"""Examining: responses to closed questions are scored exactly, without a judge.

The rater is the reading itself, under its version; a response that it can't read is unscored with
a reason. Every part is committed by itself: a scoring that is killed goes on where it stopped.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.domain.choices import READER, ChoiceReader
from core.domain.closed import Closed, exact_match, in_file_labels, presented
from core.errors import Refused
from core.services import examining_tallies
from core.services.permitting import require
from core.store import choices, exams, judges
from core.store.choices import Reading
from core.store.database import Store
from core.store.studies import Study

#: Characters that are kept of an answer that could not be read.
_SAID = 200
#: Responses that are read and committed between two reports of progress.
_AT_ONCE = 20_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Examined:
    """What a scoring did: how many responses were read now, and what all come to."""

    read: int
    unread: int
    questions: int
    responses: int


def score_closed(
    store: Store, study: Study, *, by: str, progress: Progress | None = None
) -> Examined:
    """Score all responses to a study's closed questions that have no score yet, and tally all.

    Args:
        progress: told how many of a dataset's outstanding responses are scored, and of how many.

    Raises:
        Refused: `no_closed_questions`.
    """
    require(store, "lead")
    datasets = exams.closed_datasets(store, study.id)
    if not datasets:
        raise Refused("no_closed_questions", study=study.name)
    choices.use_much_memory(store)
    with store.writing():
        rater_id = _ensure_reader(store, by=by)
    read = unread = questions = responses = 0
    for dataset_id, _ in datasets:
        closed = choices.closed_questions(store, study.id, dataset_id)
        readers: dict[int, ChoiceReader] = {}
        left = choices.outstanding(store, study.id, dataset_id, rater_id)
        for start in range(0, len(left), _AT_ONCE):
            some = left[start : start + _AT_ONCE]
            found = list(_scored(store, some, closed, readers))
            with store.writing():
                choices.add_readings(store, rater_id, found, by=by)
            unread += sum(row[2] is None for row in found)
            if progress is not None:
                progress(start + len(some), len(left))
        read += len(left)
        questions += len(closed)
        responses += examining_tallies.tally(store, study, dataset_id, rater_id)
    return Examined(read, unread, questions, responses)


def reader_rater(store: Store) -> int | None:
    """Id of the rater that reads choices by the present rules; None before the first scoring."""
    require(store, "lead", "physician", "adjudicator")
    return judges.rater_of(store, "exact", "choices", {"reader": READER})


def _ensure_reader(store: Store, *, by: str) -> int:
    configuration = judges.ensure_configuration(store, "exact", "choices", {"reader": READER})
    prompt = judges.ensure_prompt(
        store, judges.ANY, judges.ANY, "", reason="reads no prompt", by=by
    )
    return judges.ensure_rater(store, configuration, prompt)


def _scored(
    store: Store, left: Sequence[tuple[int, int]], closed: Mapping[int, Closed],
    readers: dict[int, ChoiceReader],
) -> Iterator[Reading]:  # fmt: skip
    """What is read of responses; readers of questions in their file's order are kept."""
    texts = choices.texts(store, [response_id for response_id, _ in left])
    for (response_id, criteria_id), (text, order) in zip(left, texts, strict=True):
        asked = closed[criteria_id]
        if order:  # of this response alone
            reader = ChoiceReader(presented(asked, order), takes_several=asked.takes_several)
        elif criteria_id in readers:
            reader = readers[criteria_id]
        else:
            reader = ChoiceReader(asked.options, takes_several=asked.takes_several)
            readers[criteria_id] = reader
        yield response_id, criteria_id, *_score(text, order, asked, reader)


def _end(text: str) -> str:
    """Where an answer ends, which is where most say what they choose."""
    text = text.strip()
    return text if len(text) <= _SAID else f"…{text[-_SAID:]}"


def _score(
    text: str, order: str, asked: Closed, reader: ChoiceReader
) -> tuple[int | None, str | None, str, str]:
    """1 or 0, why there is none, the words read, the labels chosen."""
    found = reader.choice(text)
    if found.chosen is None:
        return None, found.unread_because, found.detail[:_SAID] or _end(text), ""
    chosen = in_file_labels(found.chosen, order) if order else found.chosen
    if asked.right is None:
        return None, "no_right_answer", "", chosen
    return int(exact_match(chosen, asked.right)), None, "", chosen

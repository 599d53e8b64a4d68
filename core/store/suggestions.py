"""Suggestions: what a model was asked when it drafted a revision, and what it replied."""

from core.store.database import Store


def add_suggestion(
    store: Store, study_id: int, judge_id: int, *, question_id: int | None, prompt_id: int | None,
    request: str, reply: str, by: str,
) -> None:  # fmt: skip
    """Keep a request with its reply, whole."""
    store.add(
        "INSERT INTO suggestion (study_id, judge_id, question_id, judge_prompt_id, request, reply,"
        " created_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (study_id, judge_id, question_id, prompt_id, request, reply, by),
    )

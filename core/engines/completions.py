"""What a completion is asked with and what comes back, as OpenAI-compatible endpoints have it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from core.engines.base import Reply

#: Forms of an answer that can be asked for, from the strictest on.
FORMS = ("json_schema", "json_object", "")


def body_of(
    model: str, messages: Sequence[Mapping[str, str]], parameters: Mapping[str, Any],
    schema: Mapping[str, Any] | None, *, form: str, limit: str,
) -> dict[str, Any]:  # fmt: skip
    """What is sent for one completion.

    Args:
        form: one of `FORMS`.
        limit: the name that the limit of tokens goes by.
    """
    content = {"model": model, "messages": messages, **parameters}
    if "max_tokens" in content:
        content[limit] = content.pop("max_tokens")
    if schema is not None and form:
        content["response_format"] = _format(form, schema)
    return content


def _format(form: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if form == "json_object":
        return {"type": form}
    return {"type": form, form: {"name": "answer", "strict": True, "schema": schema}}


def reply_of(body: bytes, seconds: float) -> Reply | None:
    """The first choice of a completion; None for anything else, such as a web page."""
    try:
        content = json.loads(body)
        choice = content["choices"][0]
        message = choice["message"]
        text, refusal = message.get("content"), message.get("refusal")
        finish_reason = choice.get("finish_reason")
        usage = content.get("usage") or {}
        used = _count_of(usage.get("prompt_tokens")), _count_of(usage.get("completion_tokens"))
        cached = _count_of((usage.get("prompt_tokens_details") or {}).get("cached_tokens"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(text or "", str):
        return None
    if isinstance(refusal, str) and refusal:
        return Reply(text or refusal, "refusal", *used, seconds, cached)
    return Reply(text or "", str(finish_reason or "stop"), *used, seconds, cached)


def _count_of(said: object) -> int | None:
    return said if isinstance(said, int) else None

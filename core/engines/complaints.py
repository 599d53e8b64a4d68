"""Complaints: what an OpenAI-compatible endpoint means by an answer that is no completion.

Endpoints word their errors differently and may repeat the key in them, so that a complaint is read
for what to do next and is never shown.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from core.errors import EngineStopped

#: How endpoints say that a prompt is longer than the context: as a code, or in words.
_TOO_LONG_CODES = frozenset(
    {"context_length_exceeded", "string_above_max_length", "exceed_context_size_error"}
)
_TOO_LONG = re.compile(
    r"context length|context window|context size|prompt is too long|maximum number of tokens"
)
_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_NAMES_FORMAT = re.compile(r"response_format|json_schema|json_object|structured output|guided")
_NAMES_LIMIT = "max_completion_tokens"
_REFUSES_VALUE = frozenset({"unsupported_value", "unsupported_parameter"})
_QUOTED = re.compile(r"'(\w+)'")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[hms])")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True, slots=True)
class Complaint:
    """An HTTP error of an endpoint.

    Attributes:
        message: in lower case.
        seconds: how long the endpoint asks to wait; None where it does not say.
    """

    status: int
    code: str
    parameter: str
    message: str
    seconds: float | None

    @property
    def is_about_length(self) -> bool:
        """Whether the prompt is longer than the model's context."""
        if self.status not in (400, 413, 422):
            return False
        return self.code in _TOO_LONG_CODES or bool(_TOO_LONG.search(self.message))

    @property
    def is_about_content(self) -> bool:
        """Whether a filter keeps the prompt from the model."""
        return self.code == "content_filter"

    @property
    def is_about_credit(self) -> bool:
        """Whether there is no money left, which waiting does not mend."""
        return self.status == 402 or self.code in _NO_CREDIT

    @property
    def names_format(self) -> bool:
        """Whether the form that was asked for is what is wrong."""
        return bool(_NAMES_FORMAT.search(f"{self.parameter} {self.message}"))

    @property
    def names_token_limit(self) -> bool:
        """Whether the limit of tokens must go by its newer name."""
        return _NAMES_LIMIT in self.message

    def refused_account(self, host: str) -> EngineStopped | None:
        """Why the endpoint answers this key no longer, or never; None where it does."""
        if self.is_about_credit:
            return EngineStopped("endpoint_no_credit", host=host)
        return EngineStopped("wrong_key", host=host) if self.status in (401, 403) else None

    def refused_calls(
        self, host: str, model: str, parameters: Mapping[str, Any]
    ) -> EngineStopped | None:
        """Why no call to the model with these parameters can succeed; None where one may."""
        if refused := self.refused_account(host):
            return refused
        if self.status == 404:
            return EngineStopped("endpoint_unknown_model", model=model, host=host)
        named = self.refused_parameter(parameters) if self.status in (400, 422) else ""
        if not named:
            return None
        return EngineStopped("endpoint_refuses_parameter", host=host, model=model, parameter=named)

    def refused_parameter(self, parameters: Mapping[str, Any]) -> str:
        """Which of these parameters the model does not take as it is given; '' for none."""
        if self.code not in _REFUSES_VALUE and "unsupported" not in self.message:
            return ""
        named = {self.parameter, *_QUOTED.findall(self.message)}
        return next((name for name in parameters if name in named), "")


def complaint_of(status: int, headers: Mapping[str, str], body: bytes) -> Complaint:
    """Read an error, in whatever shape it comes."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    inner = content.get("error") if isinstance(content, dict) else None
    found = inner if isinstance(inner, dict) else content if isinstance(content, dict) else {}
    message = found.get("message") or found.get("detail") or inner or ""
    kinds = [found.get("code"), found.get("type")]
    code = next((kind for kind in kinds if isinstance(kind, str) and kind), "")
    return Complaint(
        status, code, str(found.get("param") or ""), str(message).lower(), _asked_wait(headers)
    )


def _asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that an endpoint asks to wait, by the headers that say so."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if (said := headers.get(name)) is not None:
            seconds = _seconds(said, unit)
            if seconds is not None:
                return max(0.0, seconds)
    resets = [
        _duration(headers.get(f"x-ratelimit-reset-{kind}", ""))
        for kind in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0"
    ]
    return max((reset for reset in resets if reset is not None), default=None)


def _seconds(said: str, unit: float) -> float | None:
    """A number of seconds, or the seconds until an HTTP date."""
    try:
        number = float(said) * unit
    except ValueError:
        pass
    else:
        return number if math.isfinite(number) else None
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    return (until.astimezone(UTC) - datetime.now(UTC)).total_seconds()


def _duration(said: str) -> float | None:
    """Seconds of a duration such as `6m0s` or `20ms`."""
    parts = _DURATION.findall(said)
    if not parts or "".join(number + unit for number, unit in parts) != said:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)

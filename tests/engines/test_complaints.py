"""Complaints: each endpoint's words are read for what to do next."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from core.engines.complaints import Complaint, complaint_of


def said(error: object, status: int = 400, **headers: str) -> Complaint:
    written = {name.replace("_", "-"): value for name, value in headers.items()}
    return complaint_of(status, written, json.dumps(error).encode())


def wait(**headers: str) -> float | None:
    return said({}, 429, **headers).seconds


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "…", "code": "context_length_exceeded"}},
        # vLLM, older and newer
        {"object": "error", "code": 400, "type": "BadRequestError", "param": None,
         "message": "This model's maximum context length is 4096 tokens. However, you requested…"},
        {"error": {"message": "The decoder prompt (longer than the maximum context length of 4096)",
                   "type": "BadRequestError", "param": None, "code": 400}},
        # SGLang, llama.cpp, FastAPI
        {"error": {"message": "The input is longer than the model's context length."}},
        {"error": {"code": 400, "type": "exceed_context_size_error", "message": "the request…"}},
        {"detail": "Prompt is too long: 9000 tokens"},
    ],
)  # fmt: skip
def test_a_prompt_that_is_too_long_is_known_in_every_dialect(error):
    assert said(error).is_about_length


@pytest.mark.parametrize("error", [{"error": {"message": "Bad temperature"}}, [], "no", None, {}])
def test_another_complaint_is_not_about_length(error):
    assert not said(error).is_about_length


def test_a_server_that_fails_is_never_about_length():
    assert not said({"error": {"message": "context length"}}, 500).is_about_length


@pytest.mark.parametrize(
    ("error", "status"),
    [({"error": {"code": "insufficient_quota"}}, 429), ({"error": "Insufficient Balance"}, 402)],
)
def test_no_credit_is_told_from_too_many_calls(error, status):
    assert said(error, status).is_about_credit
    assert not said({"error": {"code": "rate_limit_exceeded"}}, 429).is_about_credit


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"param": "response_format", "message": "Invalid value"}},
        {"error": {"message": "'response_format' of type 'json_schema' is not supported"}},
        {"error": "json_schema is not available"},
    ],
)
def test_a_complaint_about_the_form_names_it(error):
    assert said(error).names_format


def test_the_newer_name_of_the_limit_is_found():
    message = "Unsupported parameter: 'max_tokens' … Use 'max_completion_tokens' instead."

    assert said({"error": {"message": message}}).names_token_limit


def test_a_parameter_that_a_model_refuses_is_named_only_if_it_was_sent():
    complaint = said(
        {"error": {"code": "unsupported_value", "param": "temperature", "message": "Only 1"}}
    )

    assert complaint.refused_parameter({"temperature": 0.0}) == "temperature"
    assert complaint.refused_parameter({"top_p": 0.5}) == ""
    in_words = said({"error": {"message": "Unsupported value: 'temperature' does not support 0.1"}})
    assert in_words.refused_parameter({"temperature": 0.1}) == "temperature"
    assert (
        said({"error": {"message": "Bad 'temperature'"}}).refused_parameter({"temperature": 0})
        == ""
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0.25"}, 0.25),
        ({"retry_after": "-3"}, 0.0),
        ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5),
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "1m30s"}, 90.0),
        ({"x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "20ms"}, 0.02),
        ({"x_ratelimit_remaining_tokens": "9", "x_ratelimit_reset_tokens": "6m0s"}, None),
        ({"x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "soon"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_from_the_headers(headers, seconds):
    assert wait(**headers) == (None if seconds is None else pytest.approx(seconds))


def test_a_date_says_how_long_to_wait_too():
    in_a_minute = datetime.now(UTC) + timedelta(seconds=60)

    seconds = wait(retry_after=format_datetime(in_a_minute, usegmt=True))

    assert seconds is not None
    assert 55.0 < seconds <= 60.0
    assert wait(retry_after="Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b'"text"'])
def test_a_body_of_any_kind_is_a_complaint(body):
    assert complaint_of(500, {}, body).status == 500

"""The scoring manual is versioned, language by language."""

import pytest

from core.errors import Refused
from core.services.instructing import manual_of, write_manual
from core.store import manuals


def write(study, text, language="zh", reason="after calibration"):
    return write_manual(study.store, study.study, language, text, reason=reason, by="Dr Lead")


def test_the_last_version_of_a_language_counts_and_earlier_ones_stay(study):
    write(study, "剂量必须带单位。")
    write(study, "剂量必须带单位和途径。")
    write(study, "A dose needs its unit.", "en")

    found = manual_of(study.store, study.study, "zh")

    assert found is not None
    assert (found.version, found.text) == (2, "剂量必须带单位和途径。")
    assert [one.text for one in manuals.manuals(study.store, study.study.id, "zh")] == [
        "剂量必须带单位。", "剂量必须带单位和途径。",
    ]  # fmt: skip
    assert manual_of(study.store, study.study, "en").version == 1


def test_the_same_text_is_no_new_version(study):
    assert write(study, "剂量必须带单位。")
    assert not write(study, "剂量必须带单位。", reason="again")


@pytest.mark.parametrize(
    ("text", "reason", "code"), [("  ", "why", "empty_manual"), ("text", " ", "needs_reason")]
)
def test_a_manual_needs_a_text_and_a_reason(study, text, reason, code):
    with pytest.raises(Refused, match=code):
        write(study, text, reason=reason)
    assert manual_of(study.store, study.study, "zh") is None

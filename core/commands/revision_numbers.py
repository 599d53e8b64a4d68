"""What trials and comparisons of versions found, for machines and in lines."""

from dataclasses import asdict
from typing import Any

from core.commands.terminal import Terminal, reason_of, text_of, words
from core.domain.differences import differences
from core.domain.paired import Change
from core.errors import UnknownName
from core.services.pairing import Paired
from core.services.testing import Tested
from core.services.weighing import History, TrialResult

_MARKS = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}


def paired_numbers(found: Paired) -> dict[str, Any]:
    """A paired comparison for machines."""
    return {
        "n": found.n, "left_out": found.left_out, "too_small": found.is_too_small,
        "false_usable": [found.false_usable_before, found.false_usable_after],
        "agreement": [found.agreement_before.value, found.agreement_after.value],
        "agreement_change": _change(found.agreement_change),
        "cohen_kappa": [found.kappa_before.value, found.kappa_after.value],
        "cohen_kappa_change": _change(found.kappa_change),
        "broken": [_case(one) for one in found.broken],
        "fixed": [_case(one) for one in found.fixed],
        "unchanged": found.unchanged,
        "weighted": found.raw is not None,
        "effective_n": found.effective_n,
        "raw": None if found.raw is None else _raw(found.raw),
    }  # fmt: skip


def _raw(found: Paired) -> dict[str, Any]:
    """The figures that the weights of the physicians' sample change, without these."""
    names = ("agreement", "agreement_change", "cohen_kappa", "cohen_kappa_change")
    numbers = paired_numbers(found)
    return {name: numbers[name] for name in names}


def _change(found: Change) -> dict[str, Any]:
    one = found.difference
    return {
        "value": one.value, "low": one.low, "high": one.high, "p": found.p,
        "undefined": one.undefined_because,
    }  # fmt: skip


def _case(case: Any) -> dict[str, Any]:
    return {"question": case.question, "model": case.model, "sample": case.sample}


def trial_numbers(found: TrialResult) -> dict[str, Any]:
    """What is held back is told in counts: its cases stay closed."""
    held_back = paired_numbers(found.check)
    for name in ("broken", "fixed"):
        held_back[name] = len(held_back[name])
    noise = None
    if found.noise is not None:
        noise = {"n": found.noise.n, "changed": found.noise.changed}
    return {
        "trial": found.trial.id, "missing": found.missing, "seen": paired_numbers(found.revise),
        "held_back": held_back, "noise": noise,
        "requirements": [asdict(row) for row in found.requirements],
    }  # fmt: skip


def trial_lines(found: TrialResult) -> list[str]:
    """A trial for people, a line each."""
    lines = paired_lines(found.revise, found.check)
    lines += [
        words("trial_broken", question=case.question, model=case.model)
        for case in found.revise.broken
    ]
    if found.noise is not None:
        lines.append(words("trial_noise", n=found.noise.n, changed=found.noise.changed))
    if found.missing:
        lines.append(words("trial_missing", n=found.missing))
    return lines


def paired_lines(seen: Paired, held_back: Paired) -> list[str]:
    """What was seen and what was held back, a line each."""
    lines = []
    for label, one in (("seen", seen), ("held_back", held_back)):
        change = one.kappa_change.difference
        shown = "–" if change.value is None else f"{change.value:+.3f}"
        if change.low is not None and change.high is not None:
            shown += f" [{change.low:+.3f}, {change.high:+.3f}]"
        if one.kappa_change.p is not None:
            shown += f", p {one.kappa_change.p:.4f}"
        lines.append(
            words(
                "paired", where=text_of(f"trial.{label}"), n=one.n,
                broken=len(one.broken), fixed=len(one.fixed),
                before=one.false_usable_before, after=one.false_usable_after, change=shown,
            )
            + (words("paired_too_small") if one.is_too_small else "")
        )  # fmt: skip
    return lines


def show_versions(
    terminal: Terminal, versions: list[History], old: int | None, new: int | None
) -> None:
    """Show every version of a question's criteria; with two numbers, these word by word too.

    Raises:
        UnknownName: `unknown_criteria_version`.
    """
    numbers = [
        {
            "version": one.version.version, "state": one.state, "by": one.version.created_by,
            "reason": one.version.reason, "decided": one.decided, "seen": asdict(one.revise),
            "held_back": asdict(one.check),
        }
        for one in versions
    ]  # fmt: skip
    lines = [
        words(
            "version", n=one.version.version, state=text_of(f"checklists.state.{one.state}"),
            by=one.version.created_by, reason=reason_of(one.version.reason), agree=one.revise.agree,
            of=one.revise.n, held=one.check.agree, held_of=one.check.n,
        )
        for one in versions
    ]  # fmt: skip
    if old is not None and new is not None:
        known = {one.version.version: one.version.criteria for one in versions}
        for number in (old, new):
            if number not in known:
                raise UnknownName("unknown_criteria_version", version=number)
        for field in ("checklist", "reference_answer", "question_text"):
            before, after = getattr(known[old], field), getattr(known[new], field)
            if before != after:
                pieces = differences(before, after)
                lines.append("".join(_MARKS[one.kind].format(one.text) for one in pieces))
    terminal.show({"versions": numbers}, "\n".join(lines))


def tested_line(one: Tested) -> str:
    """A prompt that was put to use, with what it did where revisers see and where not."""

    def shown(found: Any) -> str:
        return "–" if found is None or found.kappa is None else f"{found.kappa:.3f} (n {found.n})"

    return words(
        "tested", version=one.version, time=one.created_at[:16].replace("T", " "),
        by=one.created_by, reason=reason_of(one.reason), dev=shown(one.dev),
        held_out=shown(one.held_out),
    )  # fmt: skip

"""The texts of a sheet as HTML: question, response, and what the response is measured by."""

import html
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from core.domain import clinic
from core.services.reviewing import Sheet
from core.ui.clinical import response_html, text_html
from core.ui.pressing import button_html
from core.ui.shell import Page

#: What may stand open beside the texts, with fields of its own.
OPENS = ("manual", "audit")
#: What the boxes' style classes begin with: of the response on the screen, and of the next one.
Of = Literal["sheet", "ahead"]


@dataclass(frozen=True, slots=True)
class Look:
    """How a physician looks at a sheet.

    Attributes:
        raw: the response's own text, not rendered.
        is_marking: its requirements are to be marked, where it has some and is rendered.
        opened: of `OPENS`.
    """

    raw: bool
    is_marking: bool
    opened: tuple[str, ...] = ()

    def has_marks(self, sheet: Sheet) -> bool:
        """Whether each requirement has a field."""
        return self.is_marking and bool(sheet.requirements) and not self.raw

    def is_plain(self, sheet: Sheet) -> bool:
        """Whether there are texts only, and no field among them."""
        return not self.opened and not self.has_marks(sheet)


def boxes_html(p: Page, sheet: Sheet, look: Look, *, of: Of = "sheet") -> str:
    """All texts of a sheet side by side, to be read, each in a box that scrolls."""
    return (
        f'<div class="{of}-boxes"><div>{texts_html(p, sheet, raw=look.raw, of=of)}</div>'
        f'<div class="{of}-criteria above-{kind_of(sheet)}">'
        f"{switches_html(p, sheet, look)}{criteria_html(p, sheet)}</div></div>"
    )


def ahead_html(p: Page, sheet: Sheet, look: Look, *, after: int) -> str:
    """The texts of the response that comes next; unseen until the one before it is answered."""
    boxes = boxes_html(p, sheet, look, of="ahead")
    return (
        f'<div class="sheet-ahead" data-after="{after}" data-next="{sheet.response_id}">{boxes}'
        "</div>"
    )


def kind_of(sheet: Sheet) -> str:
    """What stands in the score bar: `score` or `dimensions`."""
    return "dimensions" if sheet.dimensions else "score"


def texts_html(p: Page, sheet: Sheet, *, raw: bool, of: Of = "sheet") -> str:
    """Question and response, each in its box."""
    mark = f'data-of="{sheet.response_id}"' if of == "sheet" else ""
    banners = [name for name, holds in _warnings(sheet).items() if holds]
    said = "".join(f'<div class="banner">{p.t(f"review.{name}")}</div>' for name in banners)
    return (
        f'<div class="{of}-question" {mark}>{_question_html(p, sheet)}</div>'
        f'<div class="{of}-response above-{kind_of(sheet)}" {mark}>'
        f"{label_html(p.t('review.response'))}{said}{_rendered(sheet.text, raw)}</div>"
    )


def switches_html(p: Page, sheet: Sheet, look: Look) -> str:
    """The keys that open the marks, the audit of the question, and the manual."""
    marks = button_html(
        p.t("scoring.mark_off" if look.is_marking else "scoring.mark"), "marks", key="e",
        kind="link", value="off" if look.is_marking else "on",
    )  # fmt: skip
    audit = p.t("scoring.audit_off" if "audit" in look.opened else "scoring.audit")
    return (
        '<div class="switches">'
        f'<span class="marks-switch">{marks if sheet.requirements else ""}</span>'
        f"{button_html(audit, 'audit', key='v', kind='link')}"
        f"{button_html(p.t('assign.manual_title'), 'manual', key='m', kind='link')}</div>"
    )


def criteria_html(p: Page, sheet: Sheet) -> str:
    """Checklist and reference answer."""
    criteria = sheet.criteria
    return checklist_html(p, criteria.checklist) + reference_html(p, criteria.reference_answer)


def checklist_html(p: Page, checklist: str) -> str:
    """The checklist, or that there is none."""
    body = text_html(checklist or p.t("review.no_checklist"), kind="" if checklist else "note")
    return label_html(p.t("words.checklist")) + body


def reference_html(p: Page, reference_answer: str) -> str:
    """The reference answer, or that there is none."""
    text, kind = reference_answer or p.t("review.no_reference"), "" if reference_answer else "note"
    return label_html(p.t("words.reference_answer")) + text_html(text, kind=kind)


def label_html(text: str) -> str:
    """The name of a text, above it."""
    return f'<div class="label">{html.escape(text)}</div>'


@lru_cache(maxsize=256)
def _rendered(text: str, raw: bool) -> str:
    """A response's HTML, which is wanted when it is read ahead and again when its turn comes."""
    return response_html(text, raw=raw)


def _warnings(sheet: Sheet) -> dict[str, bool]:
    return {"informed": sheet.is_exposed, "cut": sheet.is_cut}


def _question_html(p: Page, sheet: Sheet) -> str:
    question, response = label_html(p.t("words.question")), label_html(p.t("words.response"))
    turns = [
        f"<details><summary>{html.escape(p.t('review.earlier_turn', n=number))}</summary>"
        f"{question}{text_html(turn.question)}{response}{text_html(turn.response)}</details>"
        for number, turn in enumerate(sheet.earlier_turns, 1)
    ]
    asked = sheet.criteria.question_text
    if sheet.question.category != clinic.CATEGORY:
        return f"{''.join(turns)}{question}{text_html(asked)}"
    return "".join(turns) + "".join(
        label_html(p.t(f"section.{kind}")) + text_html(text)
        for kind, text in clinic.sections_of(asked)
    )

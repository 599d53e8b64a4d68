"""Checklists as tables: a list of requirements read from a text, and written back into it.

What is not touched stays as it is written, to the character: headings, numbers, blank lines.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.domain.criteria import (
    Criteria,
    Level,
    Requirement,
    heading_level,
    requirement_hash,
    requirements_of,
)
from core.domain.questions import Language
from core.errors import Refused

_NUMBERED = re.compile(r"(?P<before>\s*)(?P<n>\d+)(?P<after>\s*(?:\.{1,2}(?!\d)|[、．)）])\s*)\S")
_HEADINGS: dict[tuple[Language, Level], str] = {
    ("zh", "core"): "核心需求：",
    ("zh", "secondary"): "次要需求：",
    ("en", "core"): "Core requirements:",
    ("en", "secondary"): "Secondary requirements:",
}
_NONE: dict[Language, str] = {"zh": "无", "en": "None"}
_LEVELS: tuple[Level, ...] = ("core", "secondary")


def written(text: str, rows: Sequence[Requirement], *, language: Language) -> str:
    """A text with its requirements replaced by these, core ones first.

    Rows that a text already has keep their place and layout; with no other rows the text stays
    whole. Reading the result gives exactly the rows.

    Raises:
        Refused: `not_a_requirement` where a row can't be read back from any text, for instance
            an empty one or a heading; `keeps_no_table` where the text around them prevents it.
    """
    ordered = tuple(row for level in _LEVELS for row in rows if row.level == level)
    for row in ordered:
        if requirements_of(_plain([row], language)) != (row,):
            raise Refused("not_a_requirement", text=row.text[:60])
    read = requirements_of(text)
    if tuple(rows) == read or ordered == read:
        return text
    sheet = _sheet(text)
    for attempt in (_in_place(sheet, ordered, language), _anew(sheet, ordered, language)):
        if requirements_of(attempt) == ordered:
            return attempt if text.endswith("\n") else attempt.rstrip("\n")
    raise Refused("keeps_no_table")


def list_field(criteria: Criteria) -> str:
    """Which text of the criteria holds the requirements: `checklist` or `reference_answer`."""
    is_in_reference = not requirements_of(criteria.checklist) and not criteria.checklist.strip()
    if is_in_reference and requirements_of(criteria.reference_answer):
        return "reference_answer"
    return "checklist"


@dataclass(frozen=True, slots=True)
class Carried:
    """What becomes of the requirements of one version in another.

    Attributes:
        kept: worded alike, whatever their place or level; marks given on them stay theirs.
        added, removed: the others; a reworded requirement is one removed and one added.
    """

    kept: tuple[Requirement, ...]
    added: tuple[Requirement, ...]
    removed: tuple[Requirement, ...]


def carried(before: Criteria, after: Criteria) -> Carried:
    """Compare the requirements of two versions by their wording."""
    old = {requirement_hash(one.text) for one in before.requirements}
    new = {requirement_hash(one.text) for one in after.requirements}
    return Carried(
        tuple(one for one in after.requirements if requirement_hash(one.text) in old),
        tuple(one for one in after.requirements if requirement_hash(one.text) not in old),
        tuple(one for one in before.requirements if requirement_hash(one.text) not in new),
    )


# --- the text in pieces -----------------------------------------------------------------------


@dataclass(slots=True)
class _Item:
    """A requirement as written: its lines, with the lines after it that say nothing."""

    requirement: Requirement
    raw: str
    rest: str = ""


@dataclass(slots=True)
class _Section:
    """A heading with its requirements; `rest` is what follows it before the first one."""

    heading: str
    level: Level
    rest: str = ""
    items: list[_Item] = field(default_factory=list)


@dataclass(slots=True)
class _Sheet:
    """A text: what stands before the first heading, then its sections."""

    before: str
    sections: list[_Section]


def _sheet(text: str) -> _Sheet:
    sheet = _Sheet("", [])
    for line in text.splitlines(keepends=True):
        level = heading_level(line.rstrip("\r\n"))
        if level is not None:
            sheet.sections.append(_Section(line, level))
        elif not sheet.sections:
            sheet.before += line
        else:
            _add_line(sheet.sections[-1], line)
    return sheet


def _add_line(section: _Section, line: str) -> None:
    """Put a line where reading the section up to it says that it belongs."""
    lines = [section.heading, section.rest, *(one.raw + one.rest for one in section.items), line]
    found = requirements_of("".join(one for one in lines if one))
    if len(found) > len(section.items):
        section.items.append(_Item(found[-1], line))
    elif section.items and found and found[-1] != section.items[-1].requirement:
        last = section.items[-1]
        last.requirement, last.raw, last.rest = found[-1], last.raw + last.rest + line, ""
    elif section.items:
        section.items[-1].rest += line
    else:
        section.rest += line


# --- and written again ------------------------------------------------------------------------


def _in_place(sheet: _Sheet, rows: Sequence[Requirement], language: Language) -> str:
    """The text with rows put where their like was; new ones follow the row before them."""
    places: list[tuple[_Section, list[Requirement]]] = [(one, []) for one in sheet.sections]
    text = sheet.before
    for level in _LEVELS:
        at = next((place for place in places if place[0].level == level), None)
        wanted = [row for row in rows if row.level == level]
        if at is None and wanted:
            places.append(at := (_Section(_HEADINGS[language, level] + "\n", level), []))
        for row in wanted:
            at = next((place for place in places if _has(place[0], row)), at)
            assert at is not None
            at[1].append(row)
    for section, wanted in places:
        is_new = section not in sheet.sections
        gap = "\n" if is_new and text and not text.endswith("\n\n") else ""
        text = _joined(_joined(text, gap), _section_text(section, wanted, language))
    return text


def _has(section: _Section, row: Requirement) -> bool:
    return any(item.requirement == row for item in section.items)


def _section_text(section: _Section, rows: Sequence[Requirement], language: Language) -> str:
    if [item.requirement for item in section.items] == list(rows):
        if rows or section.rest.strip():
            return section.heading + section.rest + "".join(i.raw + i.rest for i in section.items)
        return _line(section.heading) + _NONE[language] + "\n"
    style = next((found for i in section.items if (found := _NUMBERED.match(i.raw))), None)
    is_plain = bool(section.items) and style is None
    text = _line(section.heading) + ("" if section.rest.strip() else section.rest)
    rests = {item.requirement: item for item in section.items}
    for number, row in enumerate(rows, 1):
        known = rests.get(row)
        lead = "" if is_plain else _lead(style, number)
        body = row.text if known is None else _body(known)
        is_before_more = known is not None and known is not section.items[-1]
        text += _line(lead + body)
        if known and (is_before_more or known.rest.strip()):
            text += known.rest
    if not rows:
        text += _NONE[language] + "\n"
    tail = section.items[-1].rest if section.items else ""
    return text.rstrip("\n") + "\n" + (tail if not tail.strip() else "")


def _lead(style: re.Match[str] | None, number: int) -> str:
    return f"{style['before']}{number}{style['after']}" if style else f"{number}. "


def _body(item: _Item) -> str:
    """An item as written, without its number."""
    found = _NUMBERED.match(item.raw)
    return item.raw[found.end() - 1 :] if found else item.raw


def _anew(sheet: _Sheet, rows: Sequence[Requirement], language: Language) -> str:
    """The text before the first heading, and the rows in a plain layout."""
    return _joined(sheet.before, _plain(rows, language))


def _plain(rows: Sequence[Requirement], language: Language) -> str:
    parts = []
    for level in _LEVELS:
        texts = [row.text for row in rows if row.level == level]
        lines = [f"{number}. {text}" for number, text in enumerate(texts, 1)]
        if lines:
            parts.append("\n".join([_HEADINGS[language, level], *lines]))
    return "\n\n".join(parts)


def _joined(text: str, following: str) -> str:
    return _line(text) + following if text and following else text + following


def _line(text: str) -> str:
    return text if not text or text.endswith(("\n", "\r")) else text + "\n"

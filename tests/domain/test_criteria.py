"""Checklists and MSE references as they are written, read into requirements with nothing lost."""

import re

import pytest

from core.domain.criteria import Criteria, Requirement, requirement_hash, requirements_of


def core(text: str) -> Requirement:
    return Requirement("core", text)


def secondary(text: str) -> Requirement:
    return Requirement("secondary", text)


CHECKLISTS = {
    "chinese, numbered": (
        "核心需求：\n1. 内容要求：说明剂量。\n2. 格式要求：分点。\n次要需求：\n1. 语气友好。",
        (core("内容要求：说明剂量。"), core("格式要求：分点。"), secondary("语气友好。")),
    ),
    "chinese, headings numbered": (
        "一、核心需求：\n1.说明剂量\n\n二、次要需求：\n1.语气友好",
        (core("说明剂量"), secondary("语气友好")),
    ),
    "chinese, headings without colon": (
        "一、核心需求\n1、说明剂量\n二、次要需求\n1、语气友好",
        (core("说明剂量"), secondary("语气友好")),
    ),
    "english": (
        "Core requirements:\n1. States the dose.\n2) Names the interval.\n"
        "Secondary requirements:\n1. Is polite.",
        (core("States the dose."), core("Names the interval."), secondary("Is polite.")),
    ),
    "english, singular and bold": (
        "**Core requirement:**\n1. States the dose.\n**SECONDARY REQUIREMENT**\n1. Is polite.",
        (core("States the dose."), secondary("Is polite.")),
    ),
    "markdown headings": (
        "## 核心需求\n1. 说明剂量\n## 次要需求\n1. 语气友好",
        (core("说明剂量"), secondary("语气友好")),
    ),
    "not numbered": (
        "核心需求：\n说明剂量\n说明间隔\n次要需求：\n语气友好",
        (core("说明剂量"), core("说明间隔"), secondary("语气友好")),
    ),
    "MSE: items and articles of law under a requirement": (
        "一、核心需求：\n指出违反的法律，包括：\n- 某法典\n第一千零三十二条：隐私。\n"
        "- 某执业法\n建议求助\n二、次要需求：\n语气友好",
        (
            core("指出违反的法律，包括：\n- 某法典\n第一千零三十二条：隐私。\n- 某执业法"),
            core("建议求助"),
            secondary("语气友好"),
        ),
    ),
    "continued lines": (
        "核心需求：\n1. 说明剂量：\n   成人 0.5 mg\n   1.5 mg 以下\n2. 说明间隔",
        (core("说明剂量：\n   成人 0.5 mg\n   1.5 mg 以下"), core("说明间隔")),
    ),
    "numbered with all marks": (
        "核心需求：\n1. 甲\n2、乙\n3．丙\n4）丁\n5) 戊\n6.. 己\n10.庚",
        tuple(core(text) for text in "甲乙丙丁戊己庚"),
    ),
    "a decimal does not number a line": (
        "核心需求：\n0.5 mg 每日一次\n1.5 倍以内",
        (core("0.5 mg 每日一次"), core("1.5 倍以内")),
    ),
    "secondary ones none": (
        "核心需求：\n1. 说明剂量\n次要需求：\n无",
        (core("说明剂量"),),
    ),
    "secondary ones none, with a full stop": (
        "核心需求：\n1. 说明剂量\n次要需求：\n无。",
        (core("说明剂量"),),
    ),
    "secondary ones (none)": (
        "Core requirements:\n1. States the dose.\nSecondary requirements:\n(none)",
        (core("States the dose."),),
    ),
    "a heading twice": (
        "核心需求：\n1. 甲\n核心需求：\n1. 乙\n次要需求：\n1. 丙\n核心需求：\n丁",
        (core("甲"), core("乙"), secondary("丙"), core("丁")),
    ),
    "secondary first": (
        "次要需求：\n1. 甲\n核心需求：\n1. 乙",
        (secondary("甲"), core("乙")),
    ),
    "text before the first heading": (
        "回答应满足：\n核心需求：\n1. 甲",
        (core("甲"),),
    ),
    "a heading's words inside a requirement": (
        "核心需求：\n1. 说明医院的核心需求：预算。",
        (core("说明医院的核心需求：预算。"),),
    ),
    "windows line ends": (
        "核心需求：\r\n1. 甲\r\n次要需求：\r\n1. 乙",
        (core("甲"), secondary("乙")),
    ),
    "braces and markup are text": (
        "核心需求：\n1. HLA-B*27 与 HLA-B*57；{question} <b>2~3片</b>",
        (core("HLA-B*27 与 HLA-B*57；{question} <b>2~3片</b>"),),
    ),
    "no headings": ("1. 说明剂量\n2. 说明间隔", ()),
    "headings only": ("核心需求：\n次要需求：\n", ()),
    "a prose answer": ("成人每次 0.5 mg，每日一次。", ()),
    "blank": (" \n\n", ()),
    "empty": ("", ()),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CHECKLISTS.values(), ids=CHECKLISTS)
def test_requirements_are_read_under_their_headings(text, expected):
    assert requirements_of(text) == expected


def test_a_heading_followed_by_many_blanks_is_read():
    assert requirements_of("核心需求" + " " * 20_000 + "甲\n核心需求：\n1. 乙") == (core("乙"),)


def test_the_checklist_goes_before_the_reference_answer():
    both = Criteria("?", "核心需求：\n1. 甲", "核心需求：\n1. 乙")
    prose_checklist = Criteria("?", "核心需求：\n1. 甲", "just prose")

    assert both.requirements == (core("乙"),)
    assert prose_checklist.requirements == (core("甲"),)
    assert Criteria("?", "prose", "").requirements == ()


def test_criteria_are_the_same_exactly_when_all_three_texts_are():
    # Moving a character over a border must not give the same hash.
    texts = [("ab", "c", ""), ("a", "bc", ""), ("ab", "", "c"), ("ab", "c", " "), ("ab", "C", "")]

    hashes = [Criteria(*three).content_hash for three in texts]

    assert len(set(hashes)) == len(texts)
    assert Criteria("ab", "c", "").content_hash == hashes[0]


def test_a_requirements_hash_is_its_wording_alone():
    # sha256(8-byte length 1 + "a"), by `printf '\0\0\0\0\0\0\0\1a' | sha256sum`.
    assert requirement_hash("a") == (
        "3b196fd4907bedf51c3090e9835f2f7cb61e7ee1b2299ea3b8fed9b4183a822a"
    )
    assert requirement_hash("a") != requirement_hash("a ")


def test_every_real_checklist_gives_core_requirements(real_questions):
    checklists = [q.criteria.checklist for q in real_questions if q.criteria.checklist]

    with_core = [c for c in checklists if "core" in {r.level for r in requirements_of(c)}]

    assert (len(checklists), len(with_core)) == (205, 205)


def test_every_real_safety_reference_gives_core_and_secondary_requirements(real_questions):
    safety = [q.criteria.reference_answer for q in real_questions if q.key.category == "MSE"]

    levels = [{r.level for r in requirements_of(text)} for text in safety]

    assert levels == [{"core", "secondary"}] * 109


def test_real_questions_have_requirements_where_somebody_wrote_them(real_questions):
    # 205 checklists and 109 MSE references; the other 353 are judged by their reference answer.
    assert sum(bool(q.criteria.requirements) for q in real_questions) == 314


def test_no_line_of_a_real_checklist_is_lost(real_questions):
    lost = [
        (str(question.key), line)
        for question in real_questions
        for line in lost_lines(question.criteria)
    ]

    assert lost == []


def lost_lines(criteria: Criteria) -> list[str]:
    """Lines that are no heading, not blank and not "无", and stand in no requirement."""
    if not criteria.requirements:
        return []
    source = criteria.checklist or criteria.reference_answer
    kept = {line.strip() for r in criteria.requirements for line in r.text.splitlines()}
    return [
        line
        for line in source.splitlines()
        if line.strip() not in ("", "无")
        and not re.fullmatch(r"([一二]、)?(核心|次要)需求：?", line.strip())
        and line.strip() not in kept
        and re.sub(r"^\s*\d+[.、．)）]+\s*", "", line).strip() not in kept
    ]

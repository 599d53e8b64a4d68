"""Clinical text is shown exactly as written: a lost `~`, `<` or `*` is another dose."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.formats.base import BenchmarkQuestion
from tests.e2e.served import Served

pytestmark = pytest.mark.browser

_PAGE = Path(__file__).with_name("clinical_page.py")
_AT_ONCE = 500

EXACT = {
    "a range with tildes": "每次2~3片，每日5~7天",
    "a range in English": "Take 1~2 tablets, 2~3 times daily, for 5~7 days",
    "two alleles": "HLA-B*27 与强直性脊柱炎；HLA-B*57:01 与阿巴卡韦",
    "star alleles": "CYP2C19*2/*2 为慢代谢型，*17 为快代谢型",
    "a count": "WBC 2*10^9/L, PLT 30*10^9/L",
    "below": "<0.5 mg/dL",
    "below and above": "K+ <3.5 或 >5.5 mmol/L，肌酐<133 μmol/L",
    "looks like a tag": "a<b>c and x<y",
    "an arrow": "a -> b",
    "arrows": "A --> B <-- C <=> D",
    "a smile": ":smile: :material/home: :red[no]",
    "dollars": "$5 and $10",
    "formula": "剂量 $D = C \\times V$，$$x^2$$",
    "struck": "~~no~~",
    "bold": "**bold** and __bold__ and *it* and _it_",
    "leading spaces": "   5 mg",
    "trailing spaces": "5 mg   ",
    "leading newlines": "\n\n5 mg",
    "trailing newlines": "5 mg\n\n",
    "only spaces": "   ",
    "only newlines": "\n\n\n",
    "a tab": "药名\t剂量\t频次\n阿司匹林\t100 mg\tqd",
    "leading tab": "\t5 mg",
    "blank lines": "一\n\n\n\n二",
    "lines of white space": "一\n   \n\t\n二",
    "indented lines": "核心需求：\n    1. 每次2片\n        a. 饭后\n  2. 每日3次",
    "less indented later": "    deep\n  shallow\nnone",
    "entities": "&lt;0.5 &amp; &gt;1 &nbsp; &#60; &quot;",
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=\"document.title='broken'\">",
    "style": "<style>body{display:none}</style>",
    "closing tags": "</div></div><b>5 mg",
    "comment": "<!-- 5 mg --> <![CDATA[5 mg]]> <?x 5 mg ?>",
    "template": "{{5 mg}} ${5} <%= 5 %>",
    "zero width": "5\u200b mg \u200d\u200c\u2060\ufeff0.5 mg",
    "soft hyphen": "aceta\u00admino\u00adphen",
    "no-break spaces": "5\u00a0mg 0.5\u202fmg 10\u2009mg 全\u3000角",
    "right to left": "הילד קיבל 5 mg/kg ליום",
    "Arabic": "جرعة 2.5 مجم كل 12 ساعة (10~15 mg/kg)",
    "directions": "\u202e5 mg\u202c \u20663~5\u2069 \u200f<1\u200e",
    "heading": "# 5 mg\n## 10 mg",
    "list": "1. 5 mg\n1. 10 mg\n7. 15 mg\n- 20 mg\n* 25 mg\n+ 30 mg",
    "table": "| a | b |\n|---|---|\n| 5 mg | <0.5 |",
    "link": "[link](http://x) <http://x> http://x.example/5mg",
    "image link": "![5 mg](http://x.example/5.png)",
    "quote": "> 5.5 mmol/L\n>5.5",
    "rule": "5 mg\n---\n***\n10 mg",
    "backslashes": "a\\b \\* \\\\ \\n \\",
    "backticks": "`5 mg` ```x``` ~~~",
    "footnote": "5 mg[^1]\n\n[^1]: 10 mg",
    "emoji": "💊 5 mg 👩🏽‍⚕️ 🩺",
    "full width": "每次２～３片（５ｍｇ），＜０.５％",
    "signs": "½ µg μg ℃ ‰ ± × ÷ ≤ ≥ ≠ ≈ → ← ↑ ↓ α β γ² H₂O m²",
    "combining accents": "e\u0301 ve\u0301rapamil a\u030a \u0041\u0308",
    "composed accents": "\u00e9 v\u00e9rapamil \u00e5 \u00c4",
    "rare characters": "𠮷野家 㐀 \U0002f800",
    "Chinese quotation": "“每日1次”‘饭后’《说明书》……——",
    "quotation marks": "\"5 mg\" 'x' «y» „z“",
    "placeholders": "%s %d {text} {} %(x)s",
    "a path": "C:\\new\\table and /etc/passwd",
    "JSON": '{"dose": "5 mg", "range": [2, 3]}',
    "LaTeX": "\\frac{140-年龄}{72 \\times Scr} \\(x\\) \\[y\\]",
    "vertical tab and form feed": "5 mg\x0b10 mg\x0c15 mg",
    "next line and separators": "5\u0085mg\u2028ten\u2029end",
    "control characters": "5\x01\x02\x1b[31m mg\x7f\x9f",
    "one character": "5",
    "nothing": "",
    "10,000 characters on one line": "每次2~3片，HLA-B*27，<0.5 mg/dL; "[:25] * 400,
    "a long word": "x" * 5000,
    "many lines": "\n".join(f"{n}. 每次{n}~{n + 1}片" for n in range(500)),
}

#: HTML's own parser reads a carriage return as a line feed, and has no NUL.
LINE_ENDS = {"as Windows writes": "5 mg\r\n10 mg\r\n", "alone": "5 mg\r10 mg"}

#: Markdown, and what of it must be on the screen to the character.
RENDERED: dict[str, tuple[str, tuple[str, ...]]] = {
    "ranges": ("每次2~3片，每日5~7天", ("2~3片", "5~7天")),
    "struck": ("~~每次2片~~，改为 ~~3~~", ("~~每次2片~~", "~~3~~")),
    "alleles": ("HLA-B*27 阴性，HLA-B*57:01 阳性", ("HLA-B*27", "HLA-B*57:01")),
    "alleles in bold": ("**HLA-B*57:01** 与 *HLA-B*27*", ("HLA-B*57:01", "HLA-B*27")),
    "star alleles": ("CYP2C19*2/*2 与 CYP2C19*17", ("CYP2C19*2/*2", "CYP2C19*17")),
    "counts": ("WBC 2*10^9/L，PLT 30*10^9/L", ("2*10^9/L", "30*10^9/L")),
    "product": ("体重(kg)*5 mg*2", ("(kg)*5 mg*2",)),
    "spaced product": ("5 * 3 * 2 mg", ("5 * 3 * 2 mg",)),
    "below": ("若 <0.5 mg/dL 且 ALT<40", ("<0.5 mg/dL", "ALT<40")),
    "below at the start": ("<0.5 mg/dL\n<b>5 mg</b>", ("<0.5 mg/dL", "<b>5 mg</b>")),
    "per weight": ("**5 mg/kg** *每日* 3 次", ("5 mg/kg", "每日", "3 次")),
    "table": (
        "| 药物 | 剂量 |\n|---|---|\n| 阿莫西林 | 2~3片 |\n| 肝素 | <0.5 mg/kg |\n| HLA | B*27 |",
        ("2~3片", "<0.5 mg/kg", "B*27"),
    ),
    "list": (
        "- 2~3片\n- `5 mg/kg`\n  1. <0.5\n  2. 10~15 mg",
        ("2~3片", "5 mg/kg", "<0.5", "10~15 mg"),
    ),
    "bullets by star": ("* 5 mg/kg\n* HLA-B*27", ("5 mg/kg", "HLA-B*27")),
    "code": (
        "`HLA-B*27` `a -> b`\n\n```\n每次2~3片\n\t<0.5 mg\n```",
        ("HLA-B*27", "a -> b", "每次2~3片\n\t<0.5 mg"),
    ),
    "link": (
        "[5 mg/kg](http://example.com/x) <http://example.com>",
        ("5 mg/kg", "http://example.com/x"),
    ),
    "link by reference": ("[5 mg][1]\n\n[1]: http://example.com '10 mg'", ("5 mg", "10 mg")),
    "image": ("![2~3片](http://example.com/x.png)", ("2~3片", "http://example.com/x.png")),
    "raw HTML": (
        "<script>alert(1)</script><img src=http://example.com/x.png> 5 mg <del>10 mg</del>"
        "\n\n<div>\n20 mg\n</div>",
        ("5 mg", "<del>10 mg</del>", "20 mg", "<script>"),
    ),
    "event handler": (
        "<a href=javascript:alert(1) onclick=alert(1)>5 mg</a>",
        ("5 mg", "javascript:"),
    ),
    "entities": ("&lt;0.5 &amp; 5 mg", ("&lt;0.5", "&amp;")),
    "arrows and smiles": ("a -> b :smile: $5 and $10", ("a -> b", ":smile:", "$5 and $10")),
    "line breaks": ("早 5 mg\n晚 10 mg", ("早 5 mg", "晚 10 mg")),
    "headings": ("# 5 mg\n\n### 2~3片\n\n10 mg\n---", ("5 mg", "2~3片", "10 mg")),
    "negative": ("-5 ℃，−0.5 D，+2.0 D", ("-5 ℃", "−0.5 D", "+2.0 D")),
    "escaped": ("2\\~3片，B\\*27，5 mg", ("2~3片", "B*27")),
    "underscores": ("snake_case_5 与 eGFR_30_44", ("snake_case_5", "eGFR_30_44")),
    "powers": ("10^9/L、m²、10<sup>9</sup>", ("10^9/L", "m²", "<sup>9</sup>")),
    "full width": ("每次２～３片，＜０.５％", ("２～３片", "＜０.５％")),
    "footnotes": ("5 mg[^1]\n\n[^1]: 10 mg", ("5 mg", "10 mg")),
    "alleles after Chinese": ("携带*2或*3等位基因", ("*2", "*3")),
    "product after Chinese": ("体重（kg）*10 mg，每日*2次", ("*10 mg", "*2次")),
    "above at the start": ("血钾：\n> 5.5 mmol/L 须处理\n>6.5 急诊", ("> 5.5 mmol/L", ">6.5")),
    "powers as programmers write": ("WBC 2*10**9/L，PLT 30*10**9/L", ("2*10**9/L", "30*10**9/L")),
    "a row longer than its head": (
        "| 药 | 量 |\n|---|---|\n| A | 5 mg | 每日3次 |",
        ("5 mg", "每日3次"),
    ),
}  # fmt: skip

Draw = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def draw(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Draw]:
    """Draw texts in a real browser; what a script finds there, per text."""
    folder = tmp_path_factory.mktemp("clinical")
    file = folder / "texts.json"
    file.write_text("[]", encoding="utf-8")
    served = Served(_PAGE, folder / "none.db", {"CLINICAL_TEXTS": str(file), "PYTHONPATH": "."})
    page = browser.new_page()

    def drawn(texts: list[str], script: str, *, how: str = "text") -> list[Any]:
        file.write_text(json.dumps(texts), encoding="utf-8")
        found = []
        for first in range(0, len(texts), _AT_ONCE):
            address = f"/?how={how}&first={first}&last={first + _AT_ONCE}"
            page.goto(served.url + address)
            page.locator(".end").wait_for(state="attached")
            found += page.locator("div.clinical, div.clinical-rendered").evaluate_all(
                f"boxes => boxes.map(box => ({script})(box))"
            )
        assert len(found) == len(texts)
        return found

    yield drawn
    page.close()
    served.stop()
    assert "Traceback" not in served.logged(), served.logged()


def test_every_text_is_shown_to_the_character(draw):
    shown = draw(list(EXACT.values()), "box => box.textContent")

    assert dict(zip(EXACT, shown, strict=True)) == EXACT


def test_white_space_is_kept_and_nothing_but_text_is_in_a_box(draw):
    shown = draw(
        list(EXACT.values()), "box => [getComputedStyle(box).whiteSpace, box.children.length]"
    )

    assert dict(zip(EXACT, shown, strict=True)) == {name: ["pre-wrap", 0] for name in EXACT}


def test_a_carriage_return_is_still_a_line_end(draw):
    shown = draw(list(LINE_ENDS.values()), "box => box.textContent")

    assert shown == ["5 mg\n10 mg\n", "5 mg\n10 mg"]


def test_every_field_of_the_real_file_is_shown_to_the_character(
    draw, real_questions: list[BenchmarkQuestion]
):
    texts = {
        f"{question.key} {field}": getattr(question.criteria, field)
        for question in real_questions
        for field in ("question_text", "reference_answer", "checklist")
    }

    shown = draw(list(texts.values()), "box => box.textContent")

    differ = [name for name, text in zip(texts, shown, strict=True) if text != texts[name]]
    assert differ == []


@pytest.fixture(scope="module")
def rendered(draw: Draw) -> dict[str, dict[str, Any]]:
    """What the browser makes of every Markdown answer."""
    look = """box => ({
        text: box.textContent,
        foreign: [...box.querySelectorAll('img, a, script, del, s, strike, iframe, style, input')]
            .map(found => found.tagName),
        listening: [...box.querySelectorAll('*')].flatMap(found => found.getAttributeNames())
            .filter(name => name.startsWith('on') || ['href', 'src'].includes(name)),
        strong: [...box.querySelectorAll('strong')].map(found => found.textContent),
        cells: [...box.querySelectorAll('td')].map(found => found.textContent),
    })"""
    texts = [text for text, _ in RENDERED.values()]
    return dict(zip(RENDERED, draw(texts, look, how="rendered"), strict=True))


@pytest.mark.parametrize("name", RENDERED)
def test_a_rendered_response_keeps_every_dose(rendered, name):
    _, doses = RENDERED[name]

    assert [dose for dose in doses if dose not in rendered[name]["text"]] == []


def test_a_rendered_response_holds_nothing_that_fetches_strikes_or_runs(rendered):
    found = {name: (box["foreign"], box["listening"]) for name, box in rendered.items()}

    assert found == dict.fromkeys(RENDERED, ([], []))


def test_emphasis_and_tables_are_rendered(rendered):
    assert rendered["per weight"]["strong"] == ["5 mg/kg"]
    assert rendered["alleles in bold"]["strong"] == ["HLA-B*57:01"]
    assert rendered["table"]["cells"] == ["阿莫西林", "2~3片", "肝素", "<0.5 mg/kg", "HLA", "B*27"]


def test_a_numbered_list_keeps_its_numbers(draw):
    (numbers,) = draw(
        ["3. 5 mg\n2. 10 mg\n1. 15 mg"],
        "box => [...box.querySelectorAll('li')].map(item => item.value)",
        how="rendered",
    )

    assert numbers == [3, 2, 1]

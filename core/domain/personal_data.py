"""Places in a text that look like personal data. They are counted and shown, never changed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PATTERNS = {
    "id_number": r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"\d{3}[\dXx](?![0-9A-Za-z])",
    "phone": r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"
    r"|(?<!\d)0\d{2,3}-\d{7,8}(?!\d)"
    r"|(?<!\d)\(?\d{3}\)?[- ]\d{3}-\d{4}(?!\d)",
    "record_number": r"(?:病历号|病案号|住院号|门诊号|登记号|床号|就诊卡号|检查号)"
    r"[\s:：]*[A-Za-z]{0,4}\d{2,}"
    r"|\b(?:MRN|medical record (?:no\.?|number)|patient id)[\s:#]*[A-Za-z]{0,4}\d{3,}",
    "name": r"(?:姓名|患者姓名|联系人|家属姓名)\s*[:：]\s*[\u4e00-\u9fff·]{2,8}"
    r"|\b(?:Patient name|Name)\s*:\s*[A-Z][a-z]+(?: [A-Z][a-z]+)+",
    "address": r"(?:住址|地址|家庭住址|现住址)\s*[:：]\s*[^\s，。；,;]{4,}"
    r"|[\u4e00-\u9fff]{2,8}(?:省|自治区|市)[\u4e00-\u9fff]{2,8}(?:市|区|县)[\u4e00-\u9fff0-9]{2,16}"
    r"(?:路|街|道|村|号)"
    r"|\bAddress\s*:\s*\d+ [A-Z][a-z]+",
    "full_date": r"(?<!\d)(?:19|20)\d{2}\s*(?:年|[-/.])\s*(?:1[0-2]|0?[1-9])\s*(?:月|[-/.])\s*"
    r"(?:3[01]|[12]\d|0?[1-9])(?:\s*日|(?!\d))",
    "e_mail": r"(?<![\w.])[\w.+-]+@[\w-]+\.[\w.]{2,}",
}
#: Kinds that `findings` can report.
KINDS = tuple(_PATTERNS)
_COMPILED = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
#: What a text must hold for a kind to be there at all, four digits in a row or one of these words:
#: most texts need these looks only.
_DIGITS = re.compile(r"\d{4}")
_WORDS: dict[str, tuple[str, ...]] = {
    "record_number": ("号", "MRN", "medical record", "patient id"),
    "name": ("姓名", "联系人", "ame"),
    "address": ("省", "市", "自治区", "址", "Address"),
    "e_mail": ("@",),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Kind and place (in characters) of something that looks like personal data."""

    kind: str
    start: int
    length: int


def findings(text: str) -> Iterator[Finding]:
    """Yield what looks like personal data, kind by kind in order of place."""
    has_digits = _DIGITS.search(text) is not None
    for kind, pattern in _COMPILED.items():
        words = _WORDS.get(kind)
        if not (has_digits if words is None else any(word in text for word in words)):
            continue
        for found in pattern.finditer(text):
            yield Finding(kind, found.start(), found.end() - found.start())

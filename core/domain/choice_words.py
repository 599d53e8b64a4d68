"""The words and marks by which an answer says which options it chooses, in Chinese and English."""

import re

GAP = r"\s*(?:[、,;/&+]|和|与|及|以及|\band\b)?\s*"
#: One letter, or several with or without separators; no letter, digit or hyphen beside them.
LETTERS = (
    rf"(?-i:(?<![A-Za-z0-9\-/])(?:[A-P](?:{GAP}[A-P](?![A-Za-z]*[a-z0-9]))*(?![A-Za-z0-9\-+])"
    r"|[a-p](?=[).]?\s*(?:\n|$))))"
)
OR = r"(?-i:(?:\s*(?:或者?|\bor\b)\s*[A-P](?![A-Za-z0-9]))?)"
#: What may stand between the words that introduce an answer and its letters.
FRAME = r"[\s\"'“”‘’「」『』<>《》【】\[\](){}*_`$:]*"
OPTION_WORD = r"(?:选项|选择|option|choice|letter)?"

ZH_MARK = (
    r"(?:(?:正确|最佳|最终|最后|标准|参考|最恰当的?|最合适的?|最可能的?)的?)?"
    r"(?:(?:答案|选项|选择|答)\s*(?:应该?|应当)?\s*(?:是|为|选|:|=|->|→|应为|应是|应选)"
    r"|答案(?=\s*(?-i:[A-P])))"
    r"|[【\[]\s*(?:正确|最佳|最终|参考|标准)?(?:答案|选项)\s*[】\]]\s*:?"
)
ZH_CHOOSE = (
    r"(?:(?:故|应|应该|所以|因此|我|本题|该题|此题|可|宜|综上)?,?\s*(?:应)?选择?(?:为|是|:)?)"
)
ZH_RIGHT_IS = (
    r"(?:正确|最恰当|最合适|最可能|符合题意|不正确|错误)的"
    r"(?:选项|一项|诊断|是|答案)?(?:选项)?(?:应)?(?:是|为|:)"
)
EN_MARK = (
    r"(?:(?:the\s+)?(?:correct|best|right|final|most\s+(?:likely|appropriate|suitable))\s+)?"
    r"(?:answers?|options?|choices?)(?:\s+(?:here|to\s+this\s+question))?"
    r"\s*(?:is|are|would\s+be|should\s+be|will\s+be|must\s+be|:|=|->)"
)
EN_CHOOSE = (
    r"\b(?:i\s+(?:would\s+|will\s+|'d\s+|'ll\s+)?|we\s+|i'd\s+|i'll\s+)?"
    r"(?:choose|chose|select|pick|go\s+with|opt\s+for)"
)
#: Signs that the words above begin with: the others are passed over five times as fast.
INTRODUCED_BY, CHOSEN_BY = "正最符不错标参答选tcbrfmao【\\[", "故应所因我本该此可宜综,\\siwspg"
INTRODUCED = re.compile(
    rf"(?=[{INTRODUCED_BY}])(?:{ZH_RIGHT_IS}|{ZH_MARK}|{EN_MARK})", re.IGNORECASE
)
BRACKETED = re.compile(
    rf"(?:\\boxed\{{\s*(?:\\text\{{)?|[<【\[「『]{{1,2}}\s*)(?P<letters>{LETTERS})\s*"
    r"(?:[.、:][^<>【】\[\]「」『』{}\n]{0,60})?(?:\}\}?|[>】\]」』]{1,2})"
)
STATED = re.compile(
    rf"(?=[{INTRODUCED_BY}{CHOSEN_BY}])(?P<mark>{ZH_RIGHT_IS}|{ZH_MARK}|{ZH_CHOOSE}|{EN_MARK}|{EN_CHOOSE})"
    rf"{FRAME}{OPTION_WORD}{FRAME}(?P<letters>{LETTERS})(?P<hedge>{OR})",
    re.IGNORECASE,
)
#: What `SAID_RIGHT` has at its end, for answers that have none of it.
RIGHT_WORD = re.compile(
    r"(?=[正最对符cbrm])(?:正确|最佳|对的|符合|最恰|最合|correct|right|best|most)", re.IGNORECASE
)
SAID_RIGHT = re.compile(
    rf"(?:选项|\boption\s+|\bchoice\s+)?{FRAME}(?P<letters>{LETTERS}){FRAME}"
    r"(?:选项|项|\s*option)?\s*"
    r"(?:(?:均|都|才|最|是|为|\s)*(?:正确答案|最佳答案|正确|对的|符合题意|最恰当|最合适)(?!吗|与否|的是|性)"
    r"|\s+(?:is|are)\s+(?:the\s+|all\s+|both\s+)?"
    r"(?:correct|right|best|most\s+(?:likely|appropriate|suitable))\b(?:\s+answer)?)",
    re.IGNORECASE,
)
LABEL_LINE = re.compile(r"^[\s*_#>\-•]*[(\[【<]?(?P<letter>[A-P])[)\]】>]?\s*[.、:)]", re.MULTILINE)
ONLY_LETTERS = re.compile(
    rf"[\W_]*(?:选项\s*)?[\W_]*(?P<letters>{LETTERS}|[a-p]){OR}[\W_]*(?:选项|项)?[\W_]*"
)
LEADING = re.compile(
    r"[\s*_#>]*[(\[【<「]?(?P<letter>[A-P])(?:[)\]】>」](?P<closed>)|(?P<delimiter>[.、:。]|选项|\s*\n|,))"
    r"[*_\s]*"
)
FINAL = re.compile(
    r"最终|最后|综上|故|因此|所以|总之|final|therefore|thus|hence|so\b|in conclusion|\bboxed",
    re.IGNORECASE,
)
HEADED = re.compile(
    r"^[\s*_#>]*(?:正确|最终|最佳|参考|标准)?答案?\s*[:是为]"
    r"|^[\s*_#>]*(?:final\s+|correct\s+)?answer\s*[:i]",
    re.IGNORECASE,
)
NEGATED = re.compile(
    r"(?:不|非|未|误|错|易|没有?|不能|不宜|不应|不可|排除|并非|而非|不会|别|勿|避免"
    r"|\bnot|\bn't|n't|\bnever|\bneither|rule out|\bexclude)\s*"
    r"(?:是|要|能|应该?|可|会|the|a|to)?\s*$",
    re.IGNORECASE,
)
SAID_WRONG = re.compile(
    r"^\s*(?:[)\]】>」\"'”’*_?!]*\s*)(?:选项|项|option)?\s*"
    r"(?:是|为|均|都|皆|is|are|was)*\s*(?:错误?|不正确|不对|不符|不恰当|有误|可以?排除|incorrect|wrong|not\b|false)",
    re.IGNORECASE,
)
#: What may follow the letters of a statement: an end, an explanation, or the option's own text.
MAY_FOLLOW = re.compile(
    r"\s*(?:$|[.。,;:!?、)\]】>」』}\"'”’*_`$\n(\[<\\]|->|—|-\s|选项|项|because|since|as\b|due to|"
    r"which|is\b|are\b|for\b|therefore|based|or\b|and\b|和|与|及|或|因|由于|理由|解析|解释|原因|"
    r"正确|是|为|即|这|该|吧|都|均)",
    re.IGNORECASE,
)
THE_ANSWER = re.compile(r"答案|answer", re.IGNORECASE)
SPECIES = re.compile(r"\.\s+[a-z]")
#: The whole answer is capital letters, bare or after a word for answer.
PLAINEST = re.compile(
    r"\s*(?:(?:正确)?答案\s*[:：是为]\s*|[Aa]nswer:\s*)?(?P<letters>[A-P]+)\s*[.。]?\s*"
)

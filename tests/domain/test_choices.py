"""Which options an answer chooses: answers as models write them, with reading or reason."""

import pytest

from core.domain.choices import Choice, ChoiceReader

#: A question on a drug, one on imaging, one on grades, one on germs; English ones below.
DRUG = (("A", "阿司匹林"), ("B", "氯吡格雷"), ("C", "华法林"), ("D", "肝素"), ("E", "利伐沙班"))
IMAGE = (("A", "CT"), ("B", "B超"), ("C", "MRI"), ("D", "X线片"), ("E", "ERCP"))
CLASS = (("A", "ACEI"), ("B", "ARB"), ("C", "β受体阻滞剂"), ("D", "CCB"), ("E", "利尿剂"))
GERM = (
    ("A", "Escherichia coli"),
    ("B", "Bacteroides fragilis"),
    ("C", "Clostridioides difficile"),
    ("D", "Staphylococcus aureus"),
    ("E", "E. coli"),
)
STEMI = (
    ("A", "Aspirin"),
    ("B", "Primary PCI"),
    ("C", "Thrombolysis"),
    ("D", "Beta blocker"),
)

ONE_ZH = {
    # letters alone
    "B": "B",
    "b": "B",
    "B.": "B",
    "B。": "B",
    "Ｂ": "B",
    "（B）": "B",
    "(B)": "B",
    "【B】": "B",
    "<B>": "B",
    "「B」": "B",
    "**B**": "B",
    "`B`": "B",
    "Ⓑ": "B",
    "B选项": "B",
    "\n\n B \n": "B",
    "[B]": "B",
    "《B》": "B",
    "\\boxed{B}": "B",
    "$\\boxed{B}$": "B",
    "“B”": "B",
    # a label with its text
    "B. 氯吡格雷": "B",
    "B、氯吡格雷": "B",
    "B：氯吡格雷": "B",
    "B 氯吡格雷": "B",
    "(B) 氯吡格雷": "B",
    "Ｂ．氯吡格雷": "B",
    "B）氯吡格雷": "B",
    "**B. 氯吡格雷**": "B",
    "B.氯吡格雷。": "B",
    "B、氯吡格雷。因其抑制 P2Y12 受体。": "B",
    "B\n解析：氯吡格雷抑制 P2Y12 受体。": "B",
    "B。氯吡格雷": "B",
    "B选项，氯吡格雷。": "B",
    # the text alone
    "氯吡格雷": "B",
    "氯吡格雷。": "B",
    " 氯吡格雷 ": "B",
    "“氯吡格雷”": "B",
    "B（氯吡格雷）": "B",
    "B (氯吡格雷)。因其抑制 P2Y12 受体。": "B",
    "选项B": "B",
    "选项 B。": "B",
    # introduced
    "【答案】B": "B",
    "【答案】：B": "B",
    "【答案】Ｂ\n【解析】氯吡格雷抑制 P2Y12 受体，A 不正确。": "B",
    "【正确答案】 B. 氯吡格雷": "B",
    "[答案] B": "B",
    "【解析】该患者对阿司匹林过敏，排除 A。\n【答案】B": "B",
    "综上，答案B": "B",
    "因此答案 B。": "B",
    "本题答案为B，A、C、D均错误": "B",
    "答案：B，A、C、D、E 都不正确。": "B",
    "答案：B": "B",
    "答案:B": "B",
    "答案：Ｂ": "B",
    "答案是B": "B",
    "答案为 B。": "B",
    "答案是：B": "B",
    "正确答案：B": "B",
    "正确答案是B。": "B",
    "正确答案为：B. 氯吡格雷": "B",
    "参考答案：B": "B",
    "最佳答案是 B": "B",
    "标准答案：【B】": "B",
    "答案：<B>": "B",
    "答案：**B**": "B",
    "答案：（B）": "B",
    "答案：「B」": "B",
    "答案：B（氯吡格雷）": "B",
    "答案：B、氯吡格雷": "B",
    "答案：B 氯吡格雷": "B",
    "答案应为B": "B",
    "答案应该是 B": "B",
    "答案选B": "B",
    "答案：选项B": "B",
    "正确选项是B": "B",
    "正确选项：B": "B",
    "选B": "B",
    "选 B。": "B",
    "选择B": "B",
    "应选B": "B",
    "故选B": "B",
    "故选：B。": "B",
    "本题选B": "B",
    "因此选B": "B",
    "所以选择 B 选项": "B",
    "我选择B，因为它抑制 P2Y12。": "B",
    "应选择B项": "B",
    "答：B": "B",
    "答案→B": "B",
    "答案=B": "B",
    "正确的选项是B": "B",
    "正确的是 B": "B",
    "最合适的选项是B": "B",
    "最可能的诊断是B": "B",
    "答案：氯吡格雷": "B",
    "正确答案是氯吡格雷。": "B",
    "答案是“氯吡格雷”": "B",
    # said to be right
    "B选项正确": "B",
    "B项正确。": "B",
    "B是正确的": "B",
    "B 是正确答案": "B",
    "选项B正确": "B",
    "选项 B 最合适": "B",
    # reasoning before the answer
    "患者对阿司匹林过敏，不宜用A。氯吡格雷可替代。答案：B": "B",
    "首先看A：阿司匹林过敏；再看C：华法林需监测。\n综上，正确答案是 B。": "B",
    "A错误，因为过敏。C错误，因为出血风险。D为静脉用药。\n故选B。": "B",
    "我最初考虑选A，但患者过敏，因此最终答案：B": "B",
    "**分析**\n1. 阿司匹林：过敏\n2. 氯吡格雷：可用\n\n**答案：B**": "B",
    "<think>可能是A，也可能是B。</think>\n答案：B": "B",
    "<think>选A吧。等等，过敏。</think>B": "B",
    "解析：氯吡格雷抑制 P2Y12 受体。\n\nB": "B",
    "分析如下……\n\n因此答案是\n\\boxed{B}": "B",
    "答案不是A，答案是B。": "B",
    "不选A，选B": "B",
    "排除A、C，故答案为B": "B",
    "解：\n根据指南，替代药物为P2Y12抑制剂。\n氯吡格雷": "B",
    "### 正确答案\n正确答案：B\n### 解析\n阿司匹林过敏时用氯吡格雷。": "B",
    "根据题意，阿司匹林过敏的患者应当使用氯吡格雷，所以答案为“B”。": "B",
    "选B，理由：A过敏，C需监测INR。": "B",
    "A、C、D、E均正确，故选B": "B",
    "有人会选A，但B才是正确答案。": "B",
    "易误选A，正确答案为B": "B",
    "答案：B。解析：A. 阿司匹林过敏；C. 华法林需监测。": "B",
    "为什么不选A？因为过敏。选B": "B",
    "选项：A. 阿司匹林 B. 氯吡格雷 C. 华法林 D. 肝素 E. 利伐沙班\n答案：B": "B",
    "B、氯吡格雷。A、阿司匹林过敏。": "B",
}

UNREAD_ZH = {
    "": "no_choice",
    "   ": "no_choice",
    "无法确定": "no_choice",
    "答案：无法判断": "no_choice",
    "抱歉，我不能提供医疗建议。": "no_choice",
    "患者应及时就诊。": "no_choice",
    "A或B": "several_chosen",
    "答案：A或B": "several_chosen",
    "AB": "several_chosen",
    "A、B": "several_chosen",
    "答案：AB": "several_chosen",
    "答案：A、C": "several_chosen",
    "F": "not_an_option",
    "答案：F": "not_an_option",
    "选G": "not_an_option",
    "答案：A。另一种看法，答案：B。两者都有道理": "several_readings",
    "A选项正确。B选项正确。": "several_readings",
    "A. 阿司匹林\nB. 氯吡格雷\nC. 华法林\nD. 肝素\nE. 利伐沙班": "no_choice",
    "A. 错误\nB. 正确\nC. 错误\nD. 错误\nE. 错误": "no_choice",
    "B. 阿司匹林": "letter_and_text_differ",
    "答案：B. 阿司匹林": "letter_and_text_differ",
    "A错误": "no_choice",
    "不选A": "no_choice",
    "答案不是A": "no_choice",
    "A选项不正确": "no_choice",
    "可选用氯吡格雷或华法林。": "no_choice",
    "阿司匹林、氯吡格雷": "no_choice",
    "维生素B": "no_choice",
    "B族链球菌感染": "no_choice",
    "CKD-A期": "no_choice",
    "Child A级": "no_choice",
    "患者为Child-Pugh A级": "no_choice",
    "A型血": "no_choice",
    "乙型肝炎（HBV）": "no_choice",
    "CABG": "no_choice",
    "答案：CABG": "no_choice",
    "CT检查": "no_choice",
    "答案：B超": "no_choice",
    "选C反应蛋白": "no_choice",
    "答案：A型行为": "no_choice",
    "答案是Child B级": "no_choice",
    "BNP升高": "no_choice",
    "<think>应该是B": "no_choice",
    "DIC": "no_choice",
    "答案：CKD-A": "no_choice",
    "选项A是抗血小板药。": "no_choice",
    "A选项是抗血小板药": "no_choice",
    "选A的理由不充分": "no_choice",
    "选项：A. 阿司匹林 B. 氯吡格雷 C. 华法林": "no_choice",
    "A：70%，B：20%，C：10%": "no_choice",
    "以下正确的是：A. 阿司匹林 B. 氯吡格雷 C. 华法林 D. 肝素 E. 利伐沙班": "no_choice",
    "答案：A？不对。": "no_choice",
    "除A外，其余均不正确": "no_choice",
    "A：错误，患者过敏": "no_choice",
    "答案：A。不过B选项正确。": "several_readings",
    "可能是A": "no_choice",
    "建议查B型钠尿肽": "no_choice",
    "A 型行为者": "no_choice",
    "HLA-B27阳性": "no_choice",
    "答案A、C均错误": "no_choice",
    "与答案B相比，前者更好。": "no_choice",
    "【答案】CT": "no_choice",
    "【答案】见解析": "no_choice",
    "【答案】A、B": "several_chosen",
    "选项A（见上）": "no_choice",
    "B（阿司匹林）": "no_choice",
    "B（最常用）": "no_choice",
}

WORDS = [  # an option's text that is an abbreviation
    (IMAGE, "CT", "A"),
    (IMAGE, "B超", "B"),
    (IMAGE, "答案：B超", "B"),
    (IMAGE, "答案：CT", "A"),
    (IMAGE, "首选检查是B超", None),
    (IMAGE, "B. B超", "B"),
    (IMAGE, "A. CT", "A"),
    (IMAGE, "答案：E. ERCP", "E"),
    (IMAGE, "ERCP", "E"),
    (IMAGE, "MRI", "C"),
    (IMAGE, "X线片", "D"),
    (IMAGE, "正确答案是 A. CT。", "A"),
    (IMAGE, "先做B超，再做CT。答案：A", "A"),
    (IMAGE, "B超是首选，故选B", "B"),
    (IMAGE, "B超简便，CT更准确", None),
    (CLASS, "ACEI", "A"),
    (CLASS, "答案：ACEI", "A"),
    (CLASS, "ARB", "B"),
    (CLASS, "D. CCB", "D"),
    (CLASS, "CCB", "D"),
    (CLASS, "答案：CCB", "D"),
    (CLASS, "合并糖尿病首选ACEI或ARB", None),
    (CLASS, "答案：A（ACEI）", "A"),
    (CLASS, "首选 ACEI，故选 A。", "A"),
]

ONE_EN = [
    (STEMI, "B", "B"),
    (STEMI, "B)", "B"),
    (STEMI, "B. Primary PCI", "B"),
    (STEMI, "(B) Primary PCI", "B"),
    (STEMI, "B: Primary PCI", "B"),
    (STEMI, "Answer: B", "B"),
    (STEMI, "Answer: b", "B"),
    (STEMI, "answer is B", "B"),
    (STEMI, "The answer is B.", "B"),
    (STEMI, "The correct answer is B.", "B"),
    (STEMI, "The correct answer is (B).", "B"),
    (STEMI, "The correct answer is **B**.", "B"),
    (STEMI, "The best answer is option B", "B"),
    (STEMI, "Final answer: B", "B"),
    (STEMI, "**Final Answer:** B", "B"),
    (STEMI, "### Answer\nB", "B"),
    (STEMI, "Option B is correct.", "B"),
    (STEMI, "B is correct", "B"),
    (STEMI, "B is the correct answer.", "B"),
    (STEMI, "I would choose B.", "B"),
    (STEMI, "I choose option B because it restores flow.", "B"),
    (STEMI, "I'd go with B", "B"),
    (STEMI, "The most appropriate option is B, primary PCI.", "B"),
    (STEMI, "Primary PCI", "B"),
    (STEMI, "primary PCI.", "B"),
    (STEMI, "The correct answer is Primary PCI.", "B"),
    (STEMI, "The correct choice is B: Primary PCI", "B"),
    (STEMI, "Answer: B. Primary PCI", "B"),
    (STEMI, "\\boxed{B}", "B"),
    (STEMI, "The final answer is $\\boxed{B}$.", "B"),
    (STEMI, "Aspirin is given at once, but reperfusion decides. Therefore the answer is B.", "B"),
    (STEMI, "A is incorrect because it is adjunct therapy. The correct answer is B.", "B"),
    (STEMI, "At first I chose A. On reflection, the final answer is B.", "B"),
    (STEMI, "Let's think step by step.\n1. STEMI.\n2. Within 120 minutes.\nAnswer: B", "B"),
    (STEMI, "B, since the delay is below 120 minutes", "B"),
    (STEMI, "The answer is [B].", "B"),
    (STEMI, "Correct answer: B (Primary PCI)", "B"),
    (STEMI, "It is not A. The answer is B.", "B"),
    (GERM, "E. coli", "E"),
    (GERM, "The answer is E. coli", "E"),
    (GERM, "A. Escherichia coli", "A"),
    (GERM, "E. E. coli", "E"),
]

UNREAD_EN = [
    (STEMI, "A patient with chest pain needs an ECG.", "no_choice"),
    (STEMI, "The answer is a combination of drugs.", "no_choice"),
    (STEMI, "C. difficile is unlikely here.", "no_choice"),
    (STEMI, "E. coli is the usual cause.", "no_choice"),
    (STEMI, "The answer depends on the delay.", "no_choice"),
    (STEMI, "I can't answer medical questions.", "no_choice"),
    (STEMI, "Options: A) Aspirin B) Primary PCI C) Thrombolysis D) Beta blocker", "no_choice"),
    (STEMI, "A or B", "several_chosen"),
    (STEMI, "The answer is A or B.", "several_chosen"),
    (STEMI, "A and B", "several_chosen"),
    (STEMI, "Answer: A, C", "several_chosen"),
    (STEMI, "Answer: E", "not_an_option"),
    (STEMI, "The answer is not A.", "no_choice"),
    (STEMI, "A is incorrect.", "no_choice"),
    (STEMI, "Hepatitis B is excluded.", "no_choice"),
    (STEMI, "Vitamin D", "no_choice"),
    (STEMI, "ABCD2 score", "no_choice"),
    (STEMI, "Stage B heart failure", "no_choice"),
    (STEMI, "Answer: B. Aspirin", "letter_and_text_differ"),
    (STEMI, "Child-Pugh class A", "no_choice"),
    (STEMI, "Answer: A 45-year-old should have PCI", "no_choice"),
    (GERM, "C. difficile", "no_choice"),
    (GERM, "S. aureus", "no_choice"),
    (STEMI, "Option A is correct. Option B is correct.", "several_readings"),
]

SEVERAL = [
    (DRUG, "ACD", "ACD"),
    (DRUG, "A、C、D", "ACD"),
    (DRUG, "A,C,D", "ACD"),
    (DRUG, "A C D", "ACD"),
    (DRUG, "ＡＣＤ", "ACD"),
    (DRUG, "答案：ACD", "ACD"),
    (DRUG, "答案：A、C、D", "ACD"),
    (DRUG, "答案：A，C，D", "ACD"),
    (DRUG, "答案是A、C和D。", "ACD"),
    (DRUG, "故选ACD", "ACD"),
    (DRUG, "正确答案为：A、C、D。", "ACD"),
    (DRUG, "DCA", "ACD"),
    (DRUG, "A和C", "AC"),
    (DRUG, "<ACD>", "ACD"),
    (DRUG, "【A、C、D】", "ACD"),
    (DRUG, "A. 阿司匹林\nC. 华法林\nD. 肝素", "ACD"),
    (DRUG, "A、C、D选项正确", "ACD"),
    (DRUG, "A、C、D均正确", "ACD"),
    (DRUG, "B错误，其余均需监测。答案：ACDE", "ACDE"),
    (DRUG, "B", "B"),
    (DRUG, "答案：A/C", "AC"),
    (DRUG, "答案：A. 阿司匹林；C. 华法林", "AC"),
    (DRUG, "ABCDE", "ABCDE"),
    (DRUG, "\\boxed{ACD}", "ACD"),
    (DRUG, "A；C；D", "ACD"),
    (STEMI, "The correct answers are A, B and D.", "ABD"),
    (STEMI, "Answers: A, B, D", "ABD"),
    (STEMI, "A and D", "AD"),
    (STEMI, "A & D", "AD"),
    (STEMI, "Options A and D are correct.", "AD"),
]

UNREAD_SEVERAL = [
    (DRUG, "A或C", "several_chosen"),
    (DRUG, "AACD", "no_choice"),
    (DRUG, "答案：ACG", "no_choice"),
    (DRUG, "A、C、G", "not_an_option"),
    (DRUG, "以上都对", "no_choice"),
    (DRUG, "A. 阿司匹林：可用\nB. 氯吡格雷：可用", "no_choice"),
]


def read(options, text, *, takes_several=False):
    found = ChoiceReader(options, takes_several=takes_several).choice(text)
    return found.chosen if found.chosen is not None else found.unread_because


@pytest.mark.parametrize(("text", "chosen"), ONE_ZH.items())
def test_a_choice_in_chinese_is_read(text, chosen):
    assert read(DRUG, text) == chosen


@pytest.mark.parametrize(("text", "because"), UNREAD_ZH.items())
def test_what_states_no_choice_in_chinese_is_left_with_a_reason(text, because):
    assert read(DRUG, text) == because


@pytest.mark.parametrize(("options", "text", "chosen"), WORDS)
def test_abbreviations_are_texts_of_options_and_no_labels(options, text, chosen):
    assert read(options, text) == (chosen or "no_choice")


@pytest.mark.parametrize(("options", "text", "chosen"), ONE_EN)
def test_a_choice_in_english_is_read(options, text, chosen):
    assert read(options, text) == chosen


@pytest.mark.parametrize(("options", "text", "because"), UNREAD_EN)
def test_what_states_no_choice_in_english_is_left_with_a_reason(options, text, because):
    assert read(options, text) == because


@pytest.mark.parametrize(("options", "text", "chosen"), SEVERAL)
def test_several_choices_are_read_where_several_are_asked_for(options, text, chosen):
    assert read(options, text, takes_several=True) == chosen


@pytest.mark.parametrize(("options", "text", "because"), UNREAD_SEVERAL)
def test_several_choices_that_are_unclear_are_left_with_a_reason(options, text, because):
    assert read(options, text, takes_several=True) == because


def test_a_choice_brings_the_words_that_it_was_read_from():
    found = ChoiceReader(DRUG, takes_several=False).choice("A 过敏。正确答案：B。")

    assert found == Choice("B", None, "正确答案:B")


@pytest.mark.parametrize("options", [DRUG, IMAGE, CLASS, GERM, STEMI])
def test_every_label_and_every_text_by_itself_is_read_as_its_option(options):
    texts = [text for _, text in options]

    for label, text in options:
        for answer in (label, f"答案：{label}", f"Answer: {label}", f"{label}. {text}", text):
            chosen = read(options, answer)
            assert chosen == label, answer
    assert len(set(texts)) == len(texts)

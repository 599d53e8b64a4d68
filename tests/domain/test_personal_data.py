"""What looks like personal data, and clinical text that must not."""

import pytest

from core.domain.personal_data import KINDS, Finding, findings

#: Invented persons; the identity numbers have no valid check digit.
HITS = {
    "id number": ("身份证11010519491231002X已核对", "id_number", "11010519491231002X"),
    "id number in a field": ("ID: 440301198001011234.", "id_number", "440301198001011234"),
    "mobile": ("电话13800138000，上午联系", "phone", "13800138000"),
    "mobile with gaps": ("tel 138 0013 8000", "phone", "138 0013 8000"),
    "mobile with country code": ("+86 13800138000", "phone", "+86 13800138000"),
    "landline": ("请拨010-12345678", "phone", "010-12345678"),
    "american phone": ("call (555) 123-4567 today", "phone", "(555) 123-4567"),
    "record number": ("住院号：20231234", "record_number", "住院号：20231234"),
    "bed": ("床号 12", "record_number", "床号 12"),
    "MRN": ("MRN: 0012345", "record_number", "MRN: 0012345"),
    "name": ("姓名：王小明 性别：男", "name", "姓名：王小明"),
    "name on the next line": ("姓名：\n王小明", "name", "姓名：\n王小明"),
    "name of a relative": ("联系人: 李四", "name", "联系人: 李四"),
    "english name": ("Patient name: Jane Example", "name", "Patient name: Jane Example"),
    "address": ("住址：某市某区某路5号，已婚", "address", "住址：某市某区某路5号"),
    "address in prose": (
        "住在浙江省杭州市文一路", "address", "住在浙江省杭州市文一路"
    ),
    "english address": ("Address: 12 Elm", "address", "Address: 12 Elm"),
    "chinese date": ("2023年5月17日入院", "full_date", "2023年5月17日"),
    "iso date": ("on 2023-05-17 she", "full_date", "2023-05-17"),
    "dotted date": ("2023.5.17复查", "full_date", "2023.5.17"),
    "e-mail": ("write to a.b@example.org.", "e_mail", "a.b@example.org."),
}  # fmt: skip

NEAR_MISSES = {
    "dose": "地高辛0.5 mg，每日1次；华法林2.5mg qd",
    "large dose": "penicillin 2,400,000 IU; 1200 mg/d; 1000000 U",
    "dose range": "每次2~3片，每日5~7天；500-1000 mg",
    "blood pressure": "BP 120/80 mmHg，最高 180/110 mmHg",
    "laboratory": "WBC 12.5×10^9/L，PLT 230×10^9/L，Hb 135 g/L，CRP 8.21 mg/L",
    "long laboratory number": "HBV-DNA 13800138000123 IU/mL；1.38001380001 copies",
    "year and month": "2019年起血压升高，2021年3月加重",
    "year range": "2019-2021, 2000-2010",
    "impossible date": "2021-13-01，2021年2月40日",
    "days": "用药第3日，5月内复查",
    "no name": "姓名（略），药名：阿司匹林，病名：高血压",
    "lower case after name": "Name: the drug of choice",
    "sodium": "Na 138 mmol/L, K 4.1, Cl 101-106",
    "ICD code": "ICD-10: I10, E11.9; HLA-B*27",
    "registry": "NCT01234567, PMID 31978945, CAS 50-78-2",
    "a hospital": "北京市的医院，市区医院",
    "dosing at": "take 2 tabs @ 8pm",
}


@pytest.mark.parametrize(("text", "kind", "found"), HITS.values(), ids=HITS)
def test_what_looks_like_personal_data_is_found_with_its_place(text, kind, found):
    assert list(findings(text)) == [Finding(kind, text.index(found), len(found))]


@pytest.mark.parametrize("text", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_clinical_figures_are_no_personal_data(text):
    assert list(findings(text)) == []


def test_every_kind_has_an_example():
    assert {kind for _, kind, _ in HITS.values()} == set(KINDS)


def test_several_findings_come_kind_by_kind_in_order_of_place():
    text = "2023-05-17 姓名：王小明 13800138000 与 13900139000"

    assert [(f.kind, text[f.start : f.start + f.length]) for f in findings(text)] == [
        ("phone", "13800138000"),
        ("phone", "13900139000"),
        ("name", "姓名：王小明"),
        ("full_date", "2023-05-17"),
    ]


@pytest.mark.parametrize("label", ["床号", "MRN", "姓名：", "Name:", "地址：", "2023年"])
def test_a_label_before_many_blanks_is_no_finding(label):
    assert list(findings(label + " " * 50_000)) == []

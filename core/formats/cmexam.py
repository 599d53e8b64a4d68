"""CMExam: questions of the national licensing exam as CSV, with the annotations of its authors."""

from collections.abc import Iterator

from core.formats.declaring import Fields, Format, Record

#: What the annotation columns are called, in the releases and in translations.
_COLUMNS = {
    "stage": ("Exam", "考试"),
    "department": ("Clinical Department", "clinical_department", "Department", "临床科室", "科室"),
    "question_type": ("Question Type", "question_type", "题型"),
    "difficulty": ("Difficulty level", "Difficulty Level", "Difficulty", "难度", "难度等级"),
    "people_right": ("Accuracy", "Human Accuracy", "正确率"),
}  # fmt: skip


def _named(record: Record, file: str, where: str) -> Iterator[Record]:
    found = dict(record)
    for name, columns in _COLUMNS.items():
        found[name] = next((record[one] for one in columns if record.get(one)), "")
    yield found


FORMAT = Format(
    name="cmexam",
    layout="csv",
    signs=("Question", "Options", "Answer"),
    fields=Fields(
        question="Question", id="id", options="Options", answer="Answer",
        explanation="Explanation", stage="stage", department="department",
        question_type="question_type", difficulty="difficulty", people_right="people_right",
    ),
    category="CMExam",
    levels={
        "Easy": 1, "Manageable": 2, "Moderate": 3, "Difficult": 4, "Extra difficult": 5,
        "简单": 1, "较易": 2, "中等": 3, "较难": 4, "困难": 5, "易": 1, "中": 3, "难": 5,
    },
    reshaped=_named,
)  # fmt: skip

"""CMExam: questions of the national licensing exam as CSV, with the annotations of its authors."""

from collections.abc import Iterator

from core.formats.declaring import Fields, Format, Record

#: What the annotation columns are called: in `test_with_annotations.csv` first, then elsewhere. Its
#: `Disease Group` and `Medical Discipline` are kept and not reported by; its area of competency
#: (fundamentals, diagnosis, treatment, public health law) is the kind of question here.
_COLUMNS = {
    "stage": ("Exam", "考试"),
    "department": (
        "Clinical Department", "Clinical department", "clinical_department", "Department",
        "Subject", "临床科室", "科室",
    ),
    "question_type": (
        "Area of Competency", "Medical Competency", "Competency", "Ability", "Question Type",
        "question_type", "题型",
    ),
    "difficulty": ("Difficulty level", "Difficulty Level", "Difficulty", "难度", "难度等级"),
    "people_right": ("Accuracy", "Human Accuracy", "正确率"),
}  # fmt: skip
#: The authors' mark that an annotation does not apply.
_NONE = {"不符合", "N/A"}


def _named(record: Record, file: str, where: str) -> Iterator[Record]:
    found = dict(record)
    for name, columns in _COLUMNS.items():
        written = next((record[one] for one in columns if record.get(one)), "")
        found[name] = "" if written in _NONE else written
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
        "Easy": 1, "Manageable": 2, "Managable": 2, "Moderate": 3, "Difficult": 4,
        "Extra difficult": 5, "Extr. difficult": 5, "Ex. difficult": 5,
        "简单": 1, "较易": 2, "中等": 3, "较难": 4, "困难": 5, "易": 1, "中": 3, "难": 5,
    },
    reshaped=_named,
)  # fmt: skip

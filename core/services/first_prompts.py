"""First prompts: a category that no judge prompt was written for begins with the general one."""

from pathlib import Path

from core.services.permitting import require
from core.store import judges, questions
from core.store.database import Store

_FOLDER = Path(__file__).resolve().parents[2] / "data" / "prompts"


def ensure_first_prompts(store: Store, study_id: int, *, by: str) -> None:
    """Give every category and language of a study's open questions a judge prompt to begin with.

    It is the first version of that category, which a lead may improve like any other.
    """
    require(store, "lead")
    known = {(prompt.category, prompt.language) for prompt in judges.prompts(store)}
    for category, language in questions.kinds_of_study(store, study_id):
        if (category, language) not in known:
            text = (_FOLDER / language / "general.txt").read_text(encoding="utf-8")
            judges.ensure_prompt(store, category, language, text, reason="as installed", by=by)

"""Adoptions: verdicts of trials that become the study's once their candidate is in use."""

from core.store.assessments import SERVES, last_id
from core.store.database import Store

_ADOPTABLE = f"""
    FROM assessment AS tried
    JOIN response ON response.id = tried.response_id
    JOIN question ON question.id = response.question_id
    JOIN active_criteria ON active_criteria.question_id = question.id
                        AND active_criteria.criteria_id = tried.criteria_id
    JOIN active_rater ON active_rater.study_id = active_criteria.study_id
                     AND active_rater.rater_id = tried.rater_id
                     AND {SERVES}
    WHERE active_criteria.study_id = :study AND tried.purpose = 'trial'
      AND active_rater.judge_id = :judge
      AND NOT EXISTS (
        SELECT 1 FROM assessment AS later
        WHERE later.response_id = tried.response_id AND later.rater_id = tried.rater_id
          AND later.criteria_id = tried.criteria_id AND later.round = tried.round
          AND (later.purpose = 'study'
               OR (later.purpose = 'trial' AND later.attempt > tried.attempt)))
"""


def adopt(store: Store, study_id: int, judge_id: int, *, reason: str, by: str) -> int:
    """Make study verdicts of trial verdicts whose criteria and prompt are in use; how many.

    A key that the study has a verdict of keeps it. The copies point to the same exchange.
    """
    params = {"study": study_id, "judge": judge_id, "reason": reason, "by": by}
    before = last_id(store)
    adopted = store.change(
        f"""INSERT INTO assessment (response_id, rater_id, criteria_id, purpose, round, attempt,
              scale, value, unscored_because, detail, rationale, safety_risk, claimed_phase,
              exchange_id, reason, created_by)
            SELECT tried.response_id, tried.rater_id, tried.criteria_id, 'study', tried.round, 1,
                   tried.scale, tried.value, tried.unscored_because, tried.detail,
                   tried.rationale, tried.safety_risk, tried.claimed_phase, tried.exchange_id,
                   :reason, :by
            {_ADOPTABLE}""",
        params,
    )
    store.change(
        """INSERT INTO assessment_part (assessment_id, position, requirement_id, dimension, value,
             quote)
           SELECT adopted.id, part.position, part.requirement_id, part.dimension, part.value,
                  part.quote
           FROM assessment AS adopted
           JOIN assessment AS tried ON tried.response_id = adopted.response_id
                AND tried.rater_id = adopted.rater_id AND tried.criteria_id = adopted.criteria_id
                AND tried.round = adopted.round AND tried.purpose = 'trial'
           JOIN assessment_part AS part ON part.assessment_id = tried.id
           WHERE adopted.id > ? AND adopted.purpose = 'study'
             AND NOT EXISTS (
               SELECT 1 FROM assessment AS later
               WHERE later.response_id = tried.response_id AND later.rater_id = tried.rater_id
                 AND later.criteria_id = tried.criteria_id AND later.round = tried.round
                 AND later.purpose = 'trial' AND later.attempt > tried.attempt)""",
        (before,),
    )
    return adopted

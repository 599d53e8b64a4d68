"""Agreement as numbers for machines: every figure with its n, its interval and its scale."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.domain.agreement import Agreement
from core.domain.alternative_annotator import AnnotatorTest
from core.domain.estimation import Estimate
from core.services import agreeing_parts, agreeing_physicians
from core.services.agreeing import Case
from core.services.agreeing_physicians import Ceiling
from core.services.comparing import Comparison, comparison_of
from core.services.empanelling import Panel
from core.store.database import Store
from core.store.studies import Study

#: Figures on the scale's steps; at the top of a pairing they stand for the scores' own.
_OF_SCORES = ("linear_kappa", "quadratic_kappa")
_LEFT_OUT = (
    "undecided", "unscored", "pending", "unstable", "undrawn", "unknown_phase", "physicians",
    "cases",
)  # fmt: skip


def numbers_of(store: Store, study: Study, panel: Panel, cases: Sequence[Case]) -> dict[str, Any]:
    """One pairing of a judge or jury with physicians; `scale` names what each figure is on.

    Agreement, Cohen's κ, AC1, PABAK, Krippendorff's α and the annotator test are on usable or not;
    weighted κ, which are plain κ there, on the scores of `scores`.
    """
    ceiling = agreeing_physicians.ceiling_of(cases, panel)
    found = compared_numbers(comparison_of(cases, panel), panel)
    alpha = _estimates({"krippendorff_alpha": ceiling.alpha["nominal"]})
    return {
        **found,
        **{name: found[name] | alpha[name] for name in ("intervals", "undefined")},
        "krippendorff_alpha": alpha["krippendorff_alpha"],
        "scale": {**found["scale"], "krippendorff_alpha": "usable", "alt_test": "usable"},
        **_physicians(ceiling, cases),
        "intra_rater": [
            {"physician": one.name or None, **_agreement(one.usable)}
            for one in agreeing_physicians.within_of(store, study)
        ],
        **_parts(store, study, panel, cases),
    }


def compared_numbers(found: Comparison, panel: Panel) -> dict[str, Any]:
    """A comparison: figures on usable, with the weighted κ of the scores; these whole below."""
    on_usable = {
        "agreement": found.usable.agreement,
        **{name: one for name, one in found.usable.coefficients.items() if name not in _OF_SCORES},
        "sensitivity": found.sensitivity,
        "specificity": found.specificity,
        "false_usable": found.false_usable,
        "missed_risk": found.missed_risk,
    }
    on_scores = {name: found.scores.coefficients[name] for name in _OF_SCORES}
    scores = {"agreement": found.scores.agreement, **found.scores.coefficients}
    return {
        "n": found.usable.agreement.n,
        **_estimates(on_usable | on_scores),
        "scale": dict.fromkeys(on_usable, "usable") | dict.fromkeys(on_scores, "scores"),
        "table": found.usable.table,
        "scores": {
            "n": found.scores.agreement.n,
            **_estimates(scores),
            "scale": panel.scale.name,
            "lowest": found.lowest,
            "highest": found.lowest + len(found.scores.table) - 1,
            "table": found.scores.table,
        },
        **{name: getattr(found, name) for name in _LEFT_OUT},
        "weighted": found.raw is not None,
        "effective_n": found.effective_n,
        "raw": None if found.raw is None else compared_numbers(found.raw, panel),
    }


def _physicians(ceiling: Ceiling, cases: Sequence[Case]) -> dict[str, Any]:
    """Physicians among themselves, and the judge held against each."""
    alphas = {f"krippendorff_alpha_{name}": one for name, one in ceiling.alpha.items()}
    among = {"agreement": ceiling.usable.agreement, **ceiling.usable.coefficients}
    return {
        "alt_test": _test(ceiling.test_usable),
        "alt_test_scores": _test(ceiling.test_scores),
        "physicians_among": {
            "n": ceiling.usable.agreement.n,
            "responses": ceiling.responses,
            **_estimates({**among, **alphas, "fleiss_kappa": ceiling.fleiss}),
        },
        "pairs": [
            {"first": one.first, "second": one.second, **_agreement(one.usable)}
            for one in agreeing_physicians.pairs_of(cases)
        ],
    }


def _parts(store: Store, study: Study, panel: Panel, cases: Sequence[Case]) -> dict[str, Any]:
    """Agreement per requirement and per dimension."""
    found = agreeing_parts.requirements_of(store, study, panel, cases)
    return {
        "requirements": {
            **_agreement(found.all),
            "core": _agreement(found.core),
            "secondary": _agreement(found.secondary),
            "unpaired": found.unpaired,
            "each": [
                {**asdict(one), "agreement": one.agreement.value, "n": one.agreement.n}
                for one in found.each
            ],
        },
        "dimensions": [
            {
                "dimension": one.name,
                **_agreement(one.agreement),
                "physicians": asdict(one.physicians),
                "judge": asdict(one.judge),
            }
            for one in agreeing_parts.dimensions_of(store, study, panel, cases)
        ],
    }


def _agreement(found: Agreement) -> dict[str, Any]:
    return {
        "n": found.agreement.n,
        **_estimates({"agreement": found.agreement, **found.coefficients}),
    }


def _test(test: AnnotatorTest) -> dict[str, Any]:
    return {
        **_estimates({"omega": test.omega, "rho": test.rho}),
        "epsilon": test.epsilon,
        "physicians": test.physicians,
        "n": test.units,
        "may_stand_in": test.may_stand_in,
    }


def _estimates(found: dict[str, Estimate]) -> dict[str, Any]:
    return {
        **{name: one.value for name, one in found.items()},
        "intervals": {
            name: [one.low, one.high] for name, one in found.items() if one.low is not None
        },
        "undefined": {
            name: one.undefined_because for name, one in found.items() if one.value is None
        },
    }

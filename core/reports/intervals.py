"""A figure of values with their intervals as SVG, drawn without a library."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.estimation import Estimate

_FONT = "'Noto Sans','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"
_LEFT, _WIDTH, _RIGHT, _ROW, _TOP = 300, 420, 150, 24, 26


@dataclass(frozen=True, slots=True)
class Line:
    """A labelled share."""

    label: str
    estimate: Estimate


def interval_figure(lines: Sequence[Line]) -> str:
    """An address that holds the whole figure: `data:image/svg+xml;base64,…`."""
    content = base64.b64encode(interval_svg(lines).encode("utf-8")).decode("ascii")
    return f"data:image/svg+xml;base64,{content}"


def interval_svg(lines: Sequence[Line], *, mark: float | None = None) -> str:
    """Shares from 0 to 100% as points with whiskers, one a row, in the order given.

    Args:
        mark: a share that a dashed line marks, such as the truth of a simulation.
    """
    height = _TOP + _ROW * len(lines) + 30
    parts = [_axis(step / 5, height) for step in range(6)]
    if mark is not None:
        x = _LEFT + mark * _WIDTH
        parts.append(
            f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{height - 26}" stroke="#b3261e"'
            ' stroke-dasharray="4 3"/>'
        )
    for number, line in enumerate(lines):
        parts.append(_row(line, _TOP + _ROW * number + _ROW // 2))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + _RIGHT}"'
        f' height="{height}" font-family="{_FONT}" font-size="13" fill="#1c2430">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>'
    )


def _axis(share: float, height: int) -> str:
    x = _LEFT + share * _WIDTH
    return (
        f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{height - 26}" stroke="#e3e7ec"/>'
        f'<text x="{x}" y="{height - 8}" text-anchor="middle">{100 * share:.0f}%</text>'
    )


def _row(line: Line, y: int) -> str:
    one = line.estimate
    value = one.value or 0.0
    low = value if one.low is None else one.low
    high = value if one.high is None else one.high
    x, start, end = (_LEFT + share * _WIDTH for share in (value, low, high))
    said = f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}] n {one.n}"
    return (
        f'<text x="{_LEFT - 10}" y="{y + 4}" text-anchor="end">{html.escape(line.label)}</text>'
        f'<line x1="{start:.1f}" y1="{y}" x2="{end:.1f}" y2="{y}" stroke="#1c2430"/>'
        f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="#1f5f8b"/>'
        f'<text x="{_LEFT + _WIDTH + 10}" y="{y + 4}" font-size="11">{said}</text>'
    )

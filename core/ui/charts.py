"""Charts as in the paper, drawn by the browser, which also writes them as SVG or PNG."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import streamlit as st

from core.domain.estimation import Estimate
from core.ui.shell import Page

Ints = npt.NDArray[np.intp]

_FONT = "'Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
ACCENT, QUIET, DANGER = "#1f5f8b", "#8a97a6", "#b3261e"
#: Room to the right of a chart for the words of a line, in pixels.
_BESIDE = 130
#: Told apart by people who see colours in another way (Okabe and Ito 2008), red left out.
LINES = ("#0072B2", "#E69F00", "#009E73", "#56B4E9", "#CC79A7", "#8a97a6", "#000000")


def show(p: Page, name: str, figure: go.Figure, *, height: int = 300) -> None:
    """Draw a chart with buttons that download it as it is, in the format that is chosen."""
    figure.update_layout(
        font={"family": _FONT, "size": 13, "color": "#1c2430"}, height=height,
        margin={"l": 50, "r": figure.layout.margin.r or 20, "t": 30, "b": 40},
        plot_bgcolor="white", paper_bgcolor="white",
        legend={"orientation": "h", "y": 1.12, "x": 0},
    )  # fmt: skip
    figure.update_xaxes(showline=True, linecolor="#c9d1da", automargin=True)
    figure.update_yaxes(gridcolor="#e3e7ec", zerolinecolor="#c9d1da", automargin=True)
    chart, choice = st.columns([7, 1])
    with choice:
        format_ = st.segmented_control(
            p.t("charts.format"), ["SVG", "PNG"], default="SVG", required=True,
            key=p.key(name, "format"), label_visibility="collapsed",
        )  # fmt: skip
    config = {
        "displaylogo": False, "displayModeBar": True, "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"format": format_.lower(), "filename": name, "scale": 2},
    }  # fmt: skip
    with chart:
        st.plotly_chart(figure, theme=None, config=config, key=p.key(name, "chart"))


def bars(
    found: Sequence[tuple[str, Estimate]],
    *,
    label: str,
    line: tuple[float, str] | None = None,
) -> go.Figure:
    """Shares as bars with their intervals, in percent; a line for what can be reached at most."""
    known = [(name, one) for name, one in found if one.value is not None]
    figure = go.Figure(
        go.Bar(
            x=[name for name, _ in known],
            y=[_percent(one.value) for _, one in known],
            error_y=_whiskers([one for _, one in known]),
            text=[f"{_percent(one.value):.1f}" for _, one in known],
            textposition="inside", insidetextanchor="start", marker_color=ACCENT,
            hovertext=[f"n {one.n}" for _, one in known], name=label,
        )
    )  # fmt: skip
    figure.update_yaxes(range=[0, 105], title=label)
    if line is not None:
        figure.add_hline(
            y=100 * line[0], line_dash="dash", line_color=QUIET, annotation_text=line[1],
            annotation_position="right",
        )  # fmt: skip
        figure.update_layout(margin_r=_BESIDE)
    return figure


def boxes(sides: Sequence[tuple[str, Mapping[str, Ints]]], *, label: str) -> go.Figure:
    """Box plots of scores per group, one colour a side, the mean as a dashed line.

    The browser is sent what it draws, not the scores: whiskers are the lowest and highest score,
    quartiles are Hazen's (Langford 2006, method 10), as plotly's own are.
    """
    figure = go.Figure()
    for (name, groups), colour in zip(sides, (ACCENT, "#c98a2b"), strict=False):
        filled = {group: scores for group, scores in groups.items() if len(scores)}
        ends = [
            np.quantile(scores, (0.0, 0.25, 0.5, 0.75, 1.0), method="hazen").tolist()
            for scores in filled.values()
        ]
        lowest, first, median, third, highest = zip(*ends, strict=True) if ends else ([],) * 5
        figure.add_trace(
            go.Box(
                x=list(filled), lowerfence=lowest, q1=first, median=median, q3=third,
                upperfence=highest, mean=[float(scores.mean()) for scores in filled.values()],
                name=name, marker_color=colour, boxmean=True, boxpoints=False,
            )
        )  # fmt: skip
    figure.update_layout(boxmode="group")
    figure.update_yaxes(title=label)
    return figure


def course(times: Sequence[str], series: Sequence[tuple[str, Sequence[Estimate]]]) -> go.Figure:
    """Figures in order of time, with intervals."""
    figure = go.Figure()
    for (name, found), colour in zip(series, (ACCENT, DANGER), strict=False):
        figure.add_trace(
            go.Scatter(
                x=list(times), y=[one.value for one in found], error_y=_whiskers(found, scale=1.0),
                mode="lines+markers", name=name, line_color=colour,
            )
        )  # fmt: skip
    figure.update_xaxes(type="category")
    return figure


def differences(
    points: Sequence[tuple[float, float, int]],
    lines: Sequence[tuple[float, str]],
    *,
    x: str,
    y: str,
) -> go.Figure:
    """Bland and Altman's plot: difference over mean; the area of a point counts its pairs."""
    most = max((count for _, _, count in points), default=1)
    figure = go.Figure(
        go.Scatter(
            x=[mean for mean, _, _ in points], y=[apart for _, apart, _ in points],
            mode="markers", hovertext=[f"n {count}" for _, _, count in points],
            marker={
                "size": [count for _, _, count in points], "sizemode": "area",
                "sizeref": 2.0 * most / 40.0**2, "sizemin": 3, "color": ACCENT, "opacity": 0.6,
            },
        )
    )  # fmt: skip
    for at, text in lines:
        figure.add_hline(
            y=at, line_dash="dash", line_color=QUIET, annotation_text=text,
            annotation_position="top left",
        )  # fmt: skip
    figure.update_xaxes(title=x)
    figure.update_yaxes(title=y)
    return figure


def heat(
    rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]]
) -> go.Figure:
    """Shares as a grid of shades, best row on top."""
    figure = go.Figure(
        go.Heatmap(
            x=list(columns), y=list(rows), z=[list(row) for row in values], zmin=0, zmax=1,
            colorscale=[[0, "#ffffff"], [1, ACCENT]], showscale=False,
            text=[[f"{100 * one:.0f}" if one >= 0.005 else "" for one in row] for row in values],
            texttemplate="%{text}",
        )
    )  # fmt: skip
    figure.update_xaxes(type="category", side="top")
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


def radar(
    around: Sequence[str], series: Sequence[tuple[str, Sequence[Estimate | None]]]
) -> go.Figure:
    """Shares in percent around a circle, one line a series; what is unknown leaves a gap."""
    figure = go.Figure()
    for (name, found), colour in zip(series, LINES, strict=False):
        values = [
            None if one is None or one.value is None else _percent(one.value) for one in found
        ]
        figure.add_trace(
            go.Scatterpolar(
                r=[*values, values[0]], theta=[*around, around[0]], mode="lines+markers",
                name=name, line_color=colour, connectgaps=False,
                hovertext=[f"n {one.n}" if one is not None else "" for one in [*found, found[0]]],
            )
        )  # fmt: skip
    figure.update_layout(polar={"radialaxis": {"range": [0, 100], "gridcolor": "#e3e7ec"}})
    return figure


def shares_map(
    rows: Sequence[str], columns: Sequence[str], found: Sequence[Sequence[Estimate | None]]
) -> go.Figure:
    """Shares as a grid of shades with percent and n; empty where there is nothing."""
    known = [[None if one is None else one.value for one in row] for row in found]
    text = [
        ["" if one is None or one.value is None else f"{100 * one.value:.0f} (n {one.n})"
         for one in row]
        for row in found
    ]  # fmt: skip
    figure = go.Figure(
        go.Heatmap(
            x=list(columns), y=list(rows), z=known, zmin=0, zmax=1, text=text,
            colorscale=[[0, "#ffffff"], [1, ACCENT]], showscale=False, texttemplate="%{text}",
            hoverongaps=False,
        )
    )  # fmt: skip
    figure.update_xaxes(type="category", side="top")
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


def _percent(share: float | None) -> float:
    return 100.0 * (share or 0.0)


def _whiskers(found: Sequence[Estimate], *, scale: float = 100.0) -> dict[str, Any]:
    """Ends of the intervals as plotly wants them."""

    def reach(end: float | None, value: float | None) -> float:
        return 0.0 if end is None or value is None else abs(end - value) * scale

    return {
        "type": "data",
        "symmetric": False,
        "array": [reach(one.high, one.value) for one in found],
        "arrayminus": [reach(one.low, one.value) for one in found],
        "color": "#1c2430",
    }

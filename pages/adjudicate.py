"""Responses on which physicians differ: one person decides, before any judge is shown."""

from core.ui.adjudication import draw_disputes, draw_spot_checks
from core.ui.shell import page

with page("adjudicate") as p:
    draw_disputes(p)
    draw_spot_checks(p)

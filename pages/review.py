"""A physician scores responses, blind."""

from core.ui.scoring import draw_scoring
from core.ui.shell import page

with page("review") as p:
    draw_scoring(p)

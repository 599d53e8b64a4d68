"""Queue judging and watch it."""

from core.ui.run_tables import draw_jobs, draw_order
from core.ui.shell import page

with page("runs") as p:
    draw_order(p)
    draw_jobs(p)

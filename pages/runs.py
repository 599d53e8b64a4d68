"""Queue judging and answering, watch them, and see what they cost."""

from core.ui.job_tables import draw_jobs, draw_spending
from core.ui.run_tables import draw_generate_order, draw_gpus, draw_judge_order
from core.ui.shell import page

with page("runs") as p:
    draw_judge_order(p)
    draw_generate_order(p)
    draw_gpus(p)
    draw_jobs(p)
    draw_spending(p)

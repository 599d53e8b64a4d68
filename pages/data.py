"""What the database holds; import and export."""

from core.ui.data_import import draw_import
from core.ui.data_tables import draw_datasets, draw_export
from core.ui.shell import page
from core.ui.table_export import draw_table_export

with page("data") as p:
    draw_datasets(p)
    draw_import(p)
    draw_export(p)
    draw_table_export(p)

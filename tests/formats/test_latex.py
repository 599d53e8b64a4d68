"""Tables for papers: what LaTeX and Markdown print is what the cell says."""

from core.formats.latex import csv_table, latex_table, latex_text, markdown_table


def test_a_table_in_latex() -> None:
    assert latex_table(["Model", "κ"], [["a_b", "88% [84, 91]"]]) == (
        "\\begin{tabular}{lr}\n\\hline\nModel & $\\kappa$ \\\\\n\\hline\n"
        "a\\_b & 88\\% [84, 91] \\\\\n\\hline\n\\end{tabular}\n"
    )


def test_no_cell_is_a_command() -> None:
    assert latex_text(r"\input{x} ~^ #1 $2 & 3") == (
        r"\textbackslash{}input\{x\} \textasciitilde{}\textasciicircum{} \#1 \$2 \& 3"
    )


def test_a_bar_stays_within_its_cell() -> None:
    assert markdown_table(["a|b", "n"], [["c\nd", "1"]]) == (
        "| a\\|b | n |\n| --- | ---: |\n| c d | 1 |\n"
    )


def test_no_cell_is_a_formula() -> None:
    assert csv_table(["model", "n"], [["=1+1", 3], ["-x", None]]) == "model,n\n'=1+1,3\n'-x,\n"

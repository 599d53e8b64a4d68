"""The README in both languages: the same commands, and each as the program takes it."""

import re
import shlex
from pathlib import Path

import click
import pytest

from core.cli import main

ROOT = Path(__file__).parents[1]


def commands(name: str) -> list[str]:
    """The commands that a README names, without what is said of them."""
    text = (ROOT / name).read_text(encoding="utf-8")
    shell = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    lines = (shlex.join(shlex.split(line, comments=True)) for line in shell.splitlines())
    return [line for line in lines if line]


def test_both_languages_name_the_same_commands():
    assert commands("README.md") == commands("README.zh.md")


def test_both_languages_point_to_the_same_documents():
    linked = [
        set(re.findall(r"\]\((docs[^)]*)\)", (ROOT / name).read_text(encoding="utf-8")))
        for name in ("README.md", "README.zh.md")
    ]
    assert linked[0] == linked[1]
    assert all((ROOT / path).exists() for path in linked[0])


@pytest.mark.parametrize("line", [one for one in commands("README.md") if " core " in one])
def test_a_command_of_the_readme_is_one_that_the_program_takes(line):
    words = shlex.split(line)[3:]
    context, command = click.Context(main, info_name="core"), main
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        context, command = click.Context(found, info_name=name, parent=context), found
    assert command.make_context(command.name, words, parent=context.parent).params

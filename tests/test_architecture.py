"""Arrows point one way: every module's imports are read and held against its room's rules."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

#: What a room may import of core; every room may import itself.
DOMAIN = ("core.domain", "core.errors")
STORE = ("core.store", *DOMAIN)
SERVICES = ("core.services", "core.store", "core.engines", "core.formats", *DOMAIN)
ROOMS = {
    "core.errors": (),
    "core.domain": DOMAIN,
    "core.store": STORE,
    "core.engines": ("core.engines", *DOMAIN),
    "core.formats": ("core.formats", *DOMAIN),
    "core.services": SERVICES,
    "core.worker": ("core.worker", *SERVICES),
    "core.i18n": DOMAIN,
    "core.reports": ("core.reports", "core.i18n", *SERVICES),
    "core.ui": ("core.ui", "core.i18n", "core.reports", *SERVICES),
    "pages": ("core.ui", *SERVICES),
    "app": ("core.ui", *SERVICES),
    "core.commands": ("core.commands", "core.i18n", "core.reports", "core.worker", *SERVICES),
    "core.cli": ("core.commands",),
    "core.__main__": ("core.cli",),
}

#: The only rooms in which a library may be imported.
LIBRARIES = {
    "streamlit": ("app", "pages", "core.ui"),
    "sqlite3": ("core.store",),
    "sqlite_utils": ("core.store",),
    "torch": ("core.engines",),
    "transformers": ("core.engines",),
    "openai": ("core.engines",),
    "pynvml": ("core.engines",),
    "argon2": ("core.services",),
    "starlette": ("core.ui",),
}

#: Files, clocks, chance and other processes have no place in the domain.
IMPURE = {
    "os", "sys", "io", "pathlib", "shutil", "tempfile", "glob", "time", "datetime", "random",
    "secrets", "uuid", "sqlite3", "subprocess", "threading", "asyncio", "socket", "urllib.request",
    "logging", "pandas", "plotly",
}  # fmt: skip


class Import(NamedTuple):
    """One imported module, and where."""

    by: str
    line: int
    module: str
    is_inside_function: bool


def module_files() -> dict[str, Path]:
    """Every module of the product by its dotted name."""
    paths = [*(ROOT / "core").rglob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "app.py"]
    found = {}
    for path in sorted(path for path in paths if path.is_file()):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports_of(module: str, path: Path) -> Iterator[Import]:
    """The modules that a file imports; `from a import b` counts as `a.b` where that is a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports relatively"
            names = [imported(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        for name in names:
            yield Import(module, node.lineno, name, id(node) in inside)


def imported(package: str, name: str) -> str:
    return f"{package}.{name}" if f"{package}.{name}" in FILES else package


def room_of(module: str) -> str:
    """The room that a module stands in: the longest name of `ROOMS` above it."""
    return max((room for room in ROOMS if is_in(module, room)), key=len, default="")


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


FILES = module_files()
IMPORTS = [found for module, path in FILES.items() for found in imports_of(module, path)]


def test_every_module_stands_in_a_room():
    assert [name for name in FILES if name != "core" and not room_of(name)] == []


def test_these_modules_stand_at_the_top_of_core():
    top = sorted(path.name for path in (ROOT / "core").glob("*.py"))

    assert top == [
        "__init__.py", "__main__.py", "cli.py", "errors.py", "i18n.py",
    ]  # fmt: skip


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_lies_below_it(room):
    wrong = [
        found
        for found in IMPORTS
        if room_of(found.by) == room
        and is_in(found.module, "core")
        and not any(is_in(found.module, allowed) for allowed in ROOMS[room])
    ]

    assert wrong == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_stays_in_its_room(library):
    wrong = [
        found
        for found in IMPORTS
        if is_in(found.module, library) and room_of(found.by) not in LIBRARIES[library]
    ]

    assert wrong == []


def test_the_domain_is_pure():
    wrong = [
        found
        for found in IMPORTS
        if room_of(found.by) == "core.domain"
        and any(is_in(found.module, impure) for impure in IMPURE)
    ]

    assert wrong == []


def test_the_domain_opens_no_file():
    calls = [
        (module, node.lineno)
        for module, path in FILES.items()
        if room_of(module) == "core.domain"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("open", "print", "input")
    ]

    assert calls == []


def test_nothing_is_imported_inside_a_function():
    # core/engines/catalogue.py imports an engine when it is built, by importlib; huggingface.py
    # imports torch in the process that it has started; huggingface_attention.py imports Triton's
    # kernel where there is a GPU.
    assert [found for found in IMPORTS if found.is_inside_function] == []
    dynamic = {found.by for found in IMPORTS if found.module == "importlib"}
    assert dynamic == {
        "core.engines.catalogue", "core.engines.huggingface", "core.engines.huggingface_attention",
    }  # fmt: skip


def test_what_widgets_hold_is_read_without_giving_way_to_the_next_press():
    # A callback that reads `st.session_state` itself is broken off by a press that waits, and what
    # it was about to store is lost: `core.ui.shell.entered` reads instead. Writing comes last.
    reads = [
        (module, node.lineno)
        for module, path in FILES.items()
        if room_of(module) in ("core.ui", "pages", "app") and module != "core.ui.shell"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if ((isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load))
            or (isinstance(node, ast.Attribute) and node.attr in ("get", "items", "to_dict")))
        and ast.unparse(node.value) == "st.session_state"
    ]  # fmt: skip

    assert reads == []


def test_every_module_of_commands_hangs_on_the_command_line():
    tree = ast.parse((ROOT / "core" / "cli.py").read_text(encoding="utf-8"))
    imported = {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    with_commands = {
        path.stem
        for path in (ROOT / "core" / "commands").glob("*.py")
        if re.search(r"\bcommand\(\w+, |\bmain\.group\(", path.read_text(encoding="utf-8"))
    }
    assert with_commands - {"terminal"} <= imported


def test_package_files_are_empty():
    assert [p for p in FILES.values() if p.name == "__init__.py" and p.stat().st_size] == []


def test_every_module_says_in_its_first_line_what_it_is_for():
    silent = [
        module
        for module, path in FILES.items()
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]

    assert silent == []


def test_the_command_line_starts_without_the_heavy_libraries():
    # `import scipy` alone loads none of its parts until one is used.
    heavy = (
        "torch", "transformers", "streamlit", "openai", "aiohttp", "plotly", "scipy.stats",
        "pandas",
    )  # fmt: skip
    script = (
        "import contextlib, runpy, sys; sys.argv = ['core', '--help']\n"
        "with contextlib.suppress(SystemExit): runpy.run_module('core', run_name='__main__')\n"
        f"print(sorted(set({heavy!r}) & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("Usage: ")
    assert done.stdout.splitlines()[-1] == "[]"

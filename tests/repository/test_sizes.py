"""Files to 400 lines, functions to 40, names at the root to 30."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import iceball

FILE_LINES, FUNCTION_LINES, ROOT_NAMES = 400, 40, 30


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method in a file, nested ones too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, without the docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


def test_no_file_is_longer_than_400_lines(python_files: tuple[Path, ...]):
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in python_files}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_no_function_is_longer_than_40_lines(python_files: tuple[Path, ...]):
    long = {
        f"{path.name}:{function.lineno} {function.name}": length_of(function)
        for path in python_files
        for function in functions(path)
        if length_of(function) > FUNCTION_LINES
    }
    assert long == {}


def test_the_root_has_few_names_and_exactly_the_ones_it_lists():
    assert len(iceball.__all__) <= ROOT_NAMES
    assert list(iceball.__all__) == sorted(iceball.__all__)
    assert [name for name in dir(iceball) if not name.startswith("_")] == sorted(iceball.__all__)
    for name in iceball.__all__:
        assert callable(getattr(iceball, name)), name


def test_the_root_says_the_same_to_type_checkers_as_to_users(root: Path):
    tree = ast.parse((root / "src" / "iceball" / "__init__.py").read_text(encoding="utf-8"))
    typed = {
        alias.asname or alias.name: (node.module, alias.name)
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(typed) == set(iceball.__all__)
    for name, (module, inner) in typed.items():
        assert getattr(iceball, name) is getattr(__import__(str(module), fromlist=[inner]), inner)


def test_a_name_the_root_lacks_is_refused_with_the_names_it_has():
    with pytest.raises(AttributeError, match="'no_such_name'; it has: .*assess, citations"):
        iceball.no_such_name  # noqa: B018 (asking is the test)

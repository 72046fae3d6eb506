"""Every public function says what it takes, in which unit, and what it refuses."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Callable, Iterator

import pytest

import iceball
import iceball.errors

PACKAGES = sorted(
    module.name for module in pkgutil.iter_modules(iceball.__path__) if module.name not in ("cli", "errors")
)
ERRORS = {name for name, thing in vars(iceball.errors).items() if inspect.isclass(thing)}
UNITS = {"mm": "mm", "ml": "ml", "c": "°C", "s": "s", "hu": "HU", "w": "W", "j": "J"}


def public_functions() -> Iterator[tuple[str, Callable]]:
    """Every function in ``__all__`` of each part, and every public method of a public class of ours."""
    for package in PACKAGES:
        module = importlib.import_module(f"iceball.{package}")
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.isfunction(thing):
                yield f"{package}.{name}", thing
            elif inspect.isclass(thing) and thing.__module__.startswith("iceball."):
                for method, member in vars(thing).items():
                    if inspect.isfunction(member) and not method.startswith("_"):
                        yield f"{package}.{name}.{method}", member


FUNCTIONS = dict(public_functions())
every_function = pytest.mark.parametrize("name", sorted(FUNCTIONS))


def raises(function: Callable) -> set[str]:
    """Names of the IceballErrors that a function's own body raises."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raised = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None]
    names = {ast.unparse(exc.func if isinstance(exc, ast.Call) else exc).split(".")[-1] for exc in raised}
    return names & ERRORS


def test_there_are_public_functions_to_look_at():
    assert len(FUNCTIONS) >= 20  # the root alone offers as many


@pytest.mark.parametrize("package", PACKAGES)
def test_every_part_lists_its_public_names_in_order(package: str):
    if package == "provenance":
        return  # used by name everywhere: `provenance.fingerprint`
    module = importlib.import_module(f"iceball.{package}")
    assert set(module.__all__) <= set(dir(module))
    assert inspect.getdoc(module)


@every_function
def test_a_public_function_has_a_docstring(name: str):
    assert inspect.getdoc(FUNCTIONS[name]), f"{name} has no docstring"


def unit_of(parameter: str) -> str | None:
    """Unit that a parameter's name ends in, as the docstrings write it."""
    ending = parameter.rpartition("_")[2]
    return None if "_per_" in parameter or "_" not in parameter else UNITS.get(ending)


@every_function
def test_a_docstring_gives_the_unit_of_every_parameter_that_has_one(name: str):
    doc = inspect.getdoc(FUNCTIONS[name]) or ""
    units = {p: unit_of(p) for p in inspect.signature(FUNCTIONS[name]).parameters}
    assert {p: f"[{unit}]" for p, unit in units.items() if unit and f"[{unit}]" not in doc} == {}


@every_function
def test_a_docstring_says_what_the_function_refuses(name: str):
    doc = inspect.getdoc(FUNCTIONS[name]) or ""
    # A method of a noun may say it in its one line; a function has a section for it.
    section = doc if name.count(".") == 2 else doc.partition("Raises\n------")[2]
    assert sorted(error for error in raises(FUNCTIONS[name]) if error not in section) == []

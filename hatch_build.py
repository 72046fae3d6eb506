"""Builds the compiled kernel beside the Python sources, once for each generation of processors it may meet.

Without a C++ compiler the package installs all the same: the backend "native" is then missing and says so when it is
asked for; "numba" computes the same (docs/decisions/0010).
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # compiled by hand: python hatch_build.py
    BuildHookInterface = object

HERE = Path("src/iceball/thermal/backends/native")
# Nobody replaces the kernel's functions when it is loaded: the compiler may put them into each other.
# -w: gcc 12 warns of its own gather intrinsics. Linked without -ffast-math, which would turn off subnormal numbers for
# the whole process.
COMPILE = [
    "-O3",
    "-ffast-math",
    "-fno-finite-math-only",
    "-fno-associative-math",
    "-std=c++17",
    "-fPIC",
    "-fno-semantic-interposition",
    "-fvisibility-inlines-hidden",
    "-pthread",
    "-w",
    "-c",
]
LINK = ["-shared", "-pthread"]
GENERATIONS = {"x86_64": ("x86-64", "x86-64-v3", "x86-64-v4"), "AMD64": ("x86-64", "x86-64-v3", "x86-64-v4")}


class KernelHook(BuildHookInterface):
    """Compile, and put what was compiled into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before hatchling gathers the files."""
        built = build(Path(self.root))
        if built and self.target_name == "wheel":
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            build_data["artifacts"] += [str(path) for path in built]


def build(root: Path) -> list[Path]:
    """Compile the kernel; returns what was made, relative to ``root``. Empty where there is no compiler."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        sys.stderr.write("iceball: no C++ compiler was found; the backend 'native' is left out\n")
        return []
    made = []
    for generation in GENERATIONS.get(platform.machine(), ("",)):
        target = HERE / f"kernel-{generation or 'plain'}.so"
        march = [f"-march={generation}"] if generation else []
        partial, unlinked = root / f"{target}.part", root / f"{target}.o"
        source = str(root / HERE / "kernel.cpp")
        done = _run([*compiler.split(), *COMPILE, *march, source, "-o", str(unlinked)])
        if done.returncode == 0:
            done = _run([*compiler.split(), *LINK, str(unlinked), "-o", str(partial)])
        unlinked.unlink(missing_ok=True)
        if done.returncode == 0:
            partial.replace(root / target)
            made.append(target)
        else:
            partial.unlink(missing_ok=True)
            sys.stderr.write(
                f"iceball: the kernel for {generation or 'this machine'} was not built:\n{done.stderr[-800:]}\n"
            )
    return made


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(0 if build(Path(__file__).parent) else 1)

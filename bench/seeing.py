"""How long a user waits to see: mark a lesion, outline, measure and screen at 512 x 512 x 133, the usual body CT.

``python bench/seeing.py`` takes the demo's phantom, blown up to that size (0.7 x 0.7 x 2.5 mm, with noise);
``python bench/seeing.py CASE X,Y,Z`` a real case with a lesion, and a click in it. Each command runs in a process of
its own, start and reading included; reading alone stands beside them, to compare machines by.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from iceball import demo, io
from iceball.anatomy.lesion import find_lesion
from iceball.nouns import Case, Grid, Lesion, Volume

SHAPE, SPACING_MM, NOISE_HU, REPEATS = (512, 512, 133), (0.7, 0.7, 2.5), 12.0, 3
RUN = [sys.executable, "-c", "import sys; from iceball.cli import main; main()"]
STOP = 3  # a finding says stop: the phantom's lesion lies beside the cord


def blown_up() -> Case:
    """Sample the phantom with its lesion on the larger grid: the nearest voxel, repeated from head to foot."""
    small = demo.with_lesion(demo.phantom())
    assert small.lesion is not None
    assert small.labels is not None
    origin = tuple(-s * (n - 1) / 2 for s, n in zip(SPACING_MM, SHAPE, strict=True))
    grid = Grid(shape=SHAPE, spacing_mm=SPACING_MM, origin_mm=(origin[0], origin[1], origin[2]))
    corner, spacing = np.asarray(small.ct.grid.origin_mm), np.asarray(small.ct.grid.spacing_mm)
    lines = [np.rint((origin[a] + SPACING_MM[a] * np.arange(SHAPE[a]) - corner[a]) / spacing[a]) for a in range(3)]
    index = [np.clip(line, 0, n - 1).astype(int) for line, n in zip(lines, small.ct.grid.shape, strict=True)]
    once = (lines[2] >= 0) & (lines[2] < small.ct.grid.shape[2])  # labels and lesion lie there once only
    index[2] = lines[2].astype(int) % small.ct.grid.shape[2]
    part = np.ix_(*index)
    noise = np.random.default_rng(0).normal(0.0, NOISE_HU, SHAPE)
    ct = np.clip(small.ct.array[part] + noise, -1024, 3000).astype(np.int16)
    labels = (small.labels.array[part] * once).astype(np.uint8)
    mask = ((small.lesion.mask.array[part] > 0) & once).astype(np.uint8)
    return Case(
        id="bench",
        ct=Volume(grid=grid, array=ct, quantity="hu"),
        labels=Volume(grid=grid, array=labels, quantity="label"),
        structures=small.structures,
        lesion=Lesion(
            mask=Volume(grid=grid, array=mask, quantity="label"),
            matrix=small.lesion.matrix,
            origin=small.lesion.origin,
            bone=small.lesion.bone,
        ),
    )


def seconds_of(arguments: list[str]) -> float:
    """Wall time of one command in a new process [s]."""
    start = time.perf_counter()
    done = subprocess.run([*RUN, *arguments], capture_output=True, text=True, check=False)
    if done.returncode not in (0, STOP):
        raise SystemExit(f"iceball {' '.join(arguments)}: {done.stderr}")
    return time.perf_counter() - start


def told(what: str, times: list[float]) -> None:
    """Print one line: the best, and the median."""
    line = {"what": what, "seconds": round(min(times), 2), "median": round(statistics.median(times), 2)}
    print(json.dumps({**line, "repeats": len(times)}), flush=True)


def main(folder: Path, click: str) -> None:
    """Print one line of JSON for reading, for the mask alone, and for each command."""
    x, y, z = (float(part) for part in click.split(","))
    reading, marking = [], []
    for _ in range(REPEATS):
        start = time.perf_counter()
        case = io.read_case(folder)
        middle = time.perf_counter()
        find_lesion(case, seed_mm=(x, y, z))
        reading.append(middle - start)
        marking.append(time.perf_counter() - middle)
    told("read a case", reading)
    told("mask from a click", marking)
    for name in ("lesion", "structures", "measure", "screen"):
        times = []
        for number in range(REPEATS):
            new = ["--out", str(folder.parent / f"{name}-{number}")]
            more = {"lesion": [f"--seed={click}", "--replace", *new], "structures": new}.get(name, ["--json"])
            times.append(seconds_of([name, str(folder), *more]))
        told(f"iceball {name}", times)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        if len(sys.argv) == 3:
            copied = Path(scratch) / "case"
            io.write_case(io.read_case(sys.argv[1]), copied, like=Path(sys.argv[1]))
            main(copied, sys.argv[2])
        else:
            made = blown_up()
            assert made.lesion is not None
            io.write_case(made, Path(scratch) / "case")
            at = made.ct.grid.position_mm(np.argwhere(made.lesion.mask.array).mean(axis=0))
            main(Path(scratch) / "case", ",".join(f"{value:.1f}" for value in at))

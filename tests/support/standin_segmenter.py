"""A program that is called as TotalSegmentator is, and does what a test tells it: copy labels, fail, hang, ..."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

SCRIPT = '''#!{python}
"""Stands in for TotalSegmentator."""
import json, os, pathlib, shutil, sys, time
import nibabel as nib, numpy as np

arguments = sys.argv[1:]
source = pathlib.Path(arguments[arguments.index("-i") + 1])
target = pathlib.Path(arguments[arguments.index("-o") + 1])
home = pathlib.Path(os.environ["TOTALSEG_HOME_DIR"])
log = {{"arguments": arguments, "config": json.loads((home / "config.json").read_text())}}
log["weights"], log["folder"] = os.environ["TOTALSEG_WEIGHTS_PATH"], str(source.parent)
pathlib.Path("{log}").write_text(json.dumps(log))
print("working on", source.name)
do = "{do}"
if do == "copy":
    shutil.copy("{labels}", target)
elif do == "fail":
    print("CUDA out of memory", file=sys.stderr)
    sys.exit(7)
elif do == "hang":
    pathlib.Path("{log}.pid").write_text(str(os.getpid()))
    time.sleep(60)
elif do == "half":
    target.write_bytes(b"\\x1f\\x8b half a file")
elif do != "nothing":
    ct = nib.load(source)
    array = np.zeros(ct.shape, dtype=np.int32)
    if do == "unknown":
        array[:2] = 999
    if do == "shape":
        array = np.ones((5, 6, 7), dtype=np.int32)
    if do == "fractions":
        array = np.full(ct.shape, 0.5, dtype=np.float32)
    if do == "block":
        array[2:6, 2:6, 2:6], array[6:9, 2:6, 2:6] = 5, 52
    nib.save(nib.Nifti1Image(array, ct.affine), target)
'''


def install(folder: Path, do: str, *, labels: Path | None = None, weights: tuple[int, ...] = (297,)) -> dict[str, str]:
    """Put the stand-in into ``folder`` and return the environment variables that make it found."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "TotalSegmentator"
    text = SCRIPT.format(python=sys.executable, do=do, labels=labels or "", log=folder / "log.json")
    program.write_text(text, encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for number in weights:
        (folder / "weights" / f"Dataset{number}_TotalSegmentator").mkdir(parents=True)
    return {"PATH": str(folder / "bin"), "TOTALSEG_WEIGHTS_PATH": str(folder / "weights")}

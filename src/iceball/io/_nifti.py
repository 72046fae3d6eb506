"""NIfTI in and out: RAS on disk, LPS in memory."""

from __future__ import annotations

import gzip
import logging
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from nibabel import orientations
from nibabel.filebasedimages import ImageFileError
from nibabel.imageglobals import LoggingOutputSuppressor
from nibabel.loadsave import load
from nibabel.nifti1 import Nifti1Image, Nifti1Pair
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from iceball.errors import GeometryError, InputError
from iceball.nouns import Grid, Volume

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_GZIP_LEVEL = 4  # CT compresses almost as well as at 9, several times faster
_BROKEN = (ImageFileError, HeaderDataError, WrapStructError, EOFError, OSError, ValueError, ArithmeticError, zlib.error)
_MAGIC = slice(344, 348)  # of a NIfTI-1 header
logging.getLogger("nibabel").addHandler(logging.NullHandler())  # else Python prints what no handler took
_FORMS_AGREE_MM = 0.1  # qform is a float32 quaternion: it repeats a sound sform far better than this


def in_order(array: NDArray[Any]) -> NDArray[Any]:
    """Lay the array (I, J, K) out in C order, as it is where it is so: slab by slab, which stays in the cache."""
    if array.ndim != 3 or array.flags.c_contiguous:
        return np.ascontiguousarray(array)
    ordered = np.empty(array.shape, dtype=array.dtype)
    for j in range(array.shape[1]):
        ordered[:, j] = array[:, j]
    return ordered


def is_nifti(path: Path) -> bool:
    """Whether the name of ``path`` says NIfTI."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def read_nifti(path: Path, what: str) -> tuple[NDArray[Any], Grid]:
    """Read a 3-D NIfTI file as it is stored: the array (I, J, K), scaled where the header says so, and its LPS grid.

    Raises
    ------
    InputError : if the file is broken, truncated, not 3-D, without a place in space, or not in mm
    GeometryError : if its axes are sheared
    """
    if not os.access(path, os.R_OK):  # nibabel would call it damaged
        raise InputError(f"{what} {path.name} cannot be read: it is missing, or permission is denied; check {path}")
    try:
        with LoggingOutputSuppressor():  # nibabel also logs what it raises
            image = _image(path)
            array = np.asanyarray(image.dataobj)
    except MemoryError:
        raise InputError(f"{what} {path.name} does not fit into memory: crop it, or export it if damaged") from None
    except _BROKEN as cause:
        raise InputError(f"{what} {path.name} cannot be read: damaged or truncated ({_first_line(cause)})") from None
    if not isinstance(image, Nifti1Pair):
        raise InputError(f"{what} {path.name} is not NIfTI but {type(image).__name__}: convert it first")
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim != 3:
        raise InputError(f"{what} {path.name} has {array.ndim} axes {array.shape}: give one 3-D volume")
    if array.dtype.kind not in "iufb":
        raise InputError(f"{what} {path.name} holds colours or complex numbers ({array.dtype}), not one number a voxel")
    return array, _grid(image, tuple(array.shape), f"{what} {path.name}")


def _image(path: Path) -> Any:
    """Unpack a .gz to its end, where its checksum stands: nibabel stops at the last voxel and never gets there."""
    if path.suffix.lower() != ".gz":
        return load(path)
    content = gzip.decompress(path.read_bytes())
    return Nifti1Image.from_bytes(content) if content[_MAGIC] == b"n+1\0" else load(path)


def _grid(image: Any, shape: tuple[int, ...], what: str) -> Grid:
    header = image.header
    if header.get_xyzt_units()[0] not in ("mm", "unknown"):
        raise InputError(f"{what} counts space in {header.get_xyzt_units()[0]}: convert it to mm")
    sform, qform = header.get_sform(coded=True), header.get_qform(coded=True)
    if sform[1] == 0 and qform[1] == 0:
        raise GeometryError(f"{what} has no place in space (sform and qform codes are 0): export it again with one")
    if sform[1] > 0 and qform[1] > 0:
        corners = np.array([[0, 0, 0, 1], [*shape, 1]]).T
        gap_mm = float(np.abs((sform[0] - qform[0]) @ corners).max())
        if gap_mm > _FORMS_AGREE_MM:
            raise GeometryError(f"{what} has two places in space, sform and qform, {gap_mm:.1f} mm apart: export again")
    try:
        return grid_from_affine(_RAS_TO_LPS @ np.asarray(image.affine, dtype=float), shape)
    except GeometryError as cause:
        raise GeometryError(f"{what}: {cause}") from None


def grid_from_affine(affine: NDArray[Any], shape: tuple[int, ...]) -> Grid:
    """Grid of ``shape`` whose (4, 4) index-to-LPS matrix [mm] is ``affine``.

    Raises
    ------
    GeometryError : if the matrix is singular, sheared or not finite
    """
    if not np.all(np.isfinite(affine)):
        raise GeometryError("the affine holds numbers that are not finite")
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.all(spacing > 0):
        raise GeometryError("the affine is singular: an axis has no length")
    direction = affine[:3, :3] / spacing
    return Grid(
        shape=(int(shape[0]), int(shape[1]), int(shape[2])),
        spacing_mm=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
        origin_mm=(float(affine[0, 3]), float(affine[1, 3]), float(affine[2, 3])),
        direction=tuple(float(x) for x in direction.ravel()),  # pyright: ignore[reportArgumentType]
    )


def closest_to_lps(array: NDArray[Any], grid: Grid) -> tuple[NDArray[Any], Grid]:
    """Permute and flip the axes so that I, J, K run as nearly as can be to left, back and head; nothing is resampled.

    Readers may then rely on K being the axial axis of an upright scan, whatever order the file had.
    """
    order = orientations.io_orientation(grid.affine)  # LPS affine, so "RAS+" of nibabel is our LPS+
    turned = orientations.apply_orientation(array, order)
    affine = grid.affine @ orientations.inv_ornt_aff(order, grid.shape)
    return in_order(turned), grid_from_affine(affine, turned.shape)


def to_nifti(volume: Volume) -> bytes:
    """Make a .nii.gz of ``volume`` that 3D Slicer opens: RAS, mm, sform and qform codes 1; same input, same bytes."""
    affine = _RAS_TO_LPS @ volume.grid.affine
    image = Nifti1Image(np.asarray(volume.array), affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.header.set_xyzt_units("mm", "sec")
    return gzip.compress(image.to_bytes(), compresslevel=_GZIP_LEVEL, mtime=0)


def from_nifti(path: Path, what: str) -> NDArray[Any]:
    """Array (I, J, K) of a .nii.gz that iceball wrote; its grid is kept exactly in the JSON beside it.

    Raises
    ------
    InputError : if the file is missing, damaged or truncated
    """
    if not path.is_file():
        raise InputError(f"{what} is missing: {path} does not exist; bring it back or make the folder anew")
    return read_nifti(path, what)[0]


def _first_line(cause: BaseException) -> str:
    return (str(cause).splitlines() or [type(cause).__name__])[0][:120]

"""Scans made up for the tests: a small body with air, fat, muscle and bone, as NIfTI and as DICOM."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import highdicom as hd
import made_up
import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from iceball import nouns

# Identifiers that no case may hold. Each is planted in every DICOM file made here.
PLANTED = {
    "PatientName": "Quintessa^Zephyrine",
    "PatientID": "HOSP-777123",
    "PatientBirthDate": "19511203",
    "AccessionNumber": "ACC998877",
    "InstitutionName": "Saint Elsewhere",
    "ReferringPhysicianName": "Ferdinand^Ulysses",
    "StudyDescription": "Quintessa knee",
    "SeriesDescription": "Zephyrine thin",
    "StudyDate": "20230517",
    "StudyID": "STUDY4711",
    "DeviceSerialNumber": "SERIAL-55",
}


@pytest.fixture
def body() -> np.ndarray:
    """(14, 12, 8) HU: air around a body of noisy fat and muscle, one block of bone off the middle."""
    noise = np.random.default_rng(0).integers(-15, 16, size=(14, 12, 8))
    array = np.full((14, 12, 8), -1000) + noise
    array[2:12, 2:10] = -100 + noise[2:12, 2:10]
    array[3:11, 3:9] = 50 + noise[3:11, 3:9]
    array[4:7, 5:8, 2:6] = 700 + noise[4:7, 5:8, 2:6]
    return array.astype(np.int16)


@pytest.fixture
def make_nifti(tmp_path):
    """Write an array as NIfTI with an LPS affine; returns its path."""

    def make(array, name="ct.nii.gz", affine=None, codes=(1, 0), **header) -> Path:
        lps = np.diag([2.0, 2.0, 2.0, 1.0]) if affine is None else np.asarray(affine, float)
        ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps
        image = nib.Nifti1Image(np.asarray(array), ras)
        image.set_sform(ras, code=codes[0])
        image.set_qform(ras if codes[1] else None, code=codes[1])
        for field, value in header.items():
            image.header[field] = value
        path = tmp_path / name
        nib.save(image, path)
        return path

    return make


@pytest.fixture
def make_series(tmp_path, body):
    """Write ``stack`` (I, J, K) HU as DICOM CT slices, file names against the order of the slices."""

    def make(stack=None, folder="series", spacing_mm=(0.8, 0.7, 2.0), change=None, origin_mm=(-10.0, -20.0, 30.0)):
        stack = body if stack is None else stack
        target = tmp_path / folder
        target.mkdir(exist_ok=True)
        uids = SimpleNamespace(study=generate_uid(), series=generate_uid(), frame=generate_uid())
        count = stack.shape[2]
        for k in range(count):
            place = np.asarray(origin_mm) + np.array([0, 0, k * spacing_mm[2]])
            dataset = _slice(stack[:, :, k].T, place, spacing_mm, uids, k)
            if change is not None and change(dataset, k) is False:
                continue
            dataset.save_as(target / f"{(count - k) * 7 % 97:03d}.dcm", enforce_file_format=True)
        return target

    return make


def _slice(rows, place, spacing_mm, uids, k) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    for keyword, value in PLANTED.items():
        setattr(ds, keyword, value)
    ds.StudyTime, ds.Manufacturer, ds.PatientSex, ds.Laterality = "", "nobody", "O", ""
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = uids.study, uids.series, uids.frame
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber, ds.PositionReferenceIndicator = "CT", 1, 100 - k, ""
    ds.ImagePositionPatient = [f"{x:.6f}" for x in place]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [spacing_mm[1], spacing_mm[0]]  # DICOM: rows first, that is along J
    ds.SliceThickness = spacing_mm[2]
    ds.Rows, ds.Columns = rows.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    slope, intercept = 0.5, -1100 - k  # another intercept in every slice, as some scanners write
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = slope, intercept, "HU"
    ds.PixelData = np.rint((rows - intercept) / slope).astype("<u2").tobytes()
    return ds


@pytest.fixture
def headers():
    """Read the slices of a folder, lowest first."""

    def read(folder) -> list[Dataset]:
        slices = [pydicom.dcmread(path) for path in folder.iterdir()]
        return sorted(slices, key=lambda s: float(s.ImagePositionPatient[2]))

    return read


@pytest.fixture
def make_seg(tmp_path):
    """Write a DICOM SEG of ``labels`` (I, J, K), drawn on ``slices``, with segments named in order."""

    def make(slices, labels, names, kind="BINARY", name="seg.dcm", **changes):
        described = [
            hd.seg.SegmentDescription(
                segment_number=number,
                segment_label=label,
                segmented_property_category=codes.SCT.Organ,
                segmented_property_type=codes.SCT.Bone,
                algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
            )
            for number, label in enumerate(names, start=1)
        ]
        pixels = labels if labels.ndim == 4 else labels[None]
        seg = hd.seg.Segmentation(
            source_images=slices,
            pixel_array=np.ascontiguousarray(pixels.transpose(3, 2, 1, 0) if labels.ndim == 4 else labels.T),
            segmentation_type=kind,
            segment_descriptions=described,
            series_instance_uid=generate_uid(),
            series_number=2,
            sop_instance_uid=generate_uid(),
            instance_number=1,
            manufacturer="nobody",
            manufacturer_model_name="none",
            software_versions="0",
            device_serial_number="0",
        )
        for field, value in changes.items():
            setattr(seg, field, value)
        path = tmp_path / name
        seg.save_as(path)
        return path

    return make


@pytest.fixture
def make_rtstruct(tmp_path):
    """Write an RTSTRUCT: ``regions`` maps a name to closed contours, each (N, 3) LPS [mm]."""

    def make(frame, regions, name="rs.dcm", geometry="CLOSED_PLANAR"):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = RTStructureSetStorage
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
        for keyword, value in PLANTED.items():
            setattr(ds, keyword, value)
        ds.Modality = "RTSTRUCT"
        ds.StructureSetROISequence, ds.ROIContourSequence = [], []
        for number, (region, contours) in enumerate(regions.items(), start=1):
            roi, item = Dataset(), Dataset()
            roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, region, frame
            item.ReferencedROINumber, item.ContourSequence = number, []
            for points in contours:
                contour = Dataset()
                contour.ContourGeometricType, contour.NumberOfContourPoints = geometry, len(points)
                contour.ContourData = [f"{x:.4f}" for x in np.ravel(points)]
                item.ContourSequence.append(contour)
            ds.StructureSetROISequence.append(roi)
            ds.ROIContourSequence.append(item)
        ds.save_as(tmp_path / name, enforce_file_format=True)
        return tmp_path / name

    return make


@pytest.fixture
def case(body) -> nouns.Case:
    """A complete case on an oblique grid, with two structures, a lesion and a field of view."""
    turn = np.deg2rad(20)
    direction = (np.cos(turn), -np.sin(turn), 0.0, np.sin(turn), np.cos(turn), 0.0, 0.0, 0.0, 1.0)
    grid = nouns.Grid(
        shape=body.shape,
        spacing_mm=(0.7, 0.8, 2.5),
        origin_mm=(-101.234567, 33.1, -612.7),
        direction=tuple(map(float, direction)),
    )
    labels, mask = np.zeros(body.shape, dtype=np.uint8), np.zeros(body.shape, dtype=np.uint8)
    labels[4:7, 5:8, 2:6], labels[8, 4, :], mask[5, 6, 3:5] = 31, 79, 1
    view = np.ones(body.shape, dtype=np.uint8)
    view[:, :, 0] = 0

    def volume(array, quantity="label"):
        return nouns.Volume(grid=grid, array=array, quantity=quantity)

    return nouns.Case(
        id="case-one",
        ct=volume(body, "hu"),
        labels=volume(labels),
        structures=(
            nouns.Structure(name="vertebrae_L1", role="way_in", label=31, tissue="trabecular_bone"),
            nouns.Structure(name="spinal_cord", role="at_risk", label=79, limit="spinal_cord"),
        ),
        lesion=nouns.Lesion(mask=volume(mask), matrix="mixed", origin="drawn for a test", bone="L1", site="spine"),
        field_of_view=volume(view),
        notes=("a note with é and °",),
    )


@pytest.fixture
def probe() -> nouns.Probe:
    """A probe that no library has."""
    isotherm = nouns.MakerIsotherm(isotherm_c=-40.0, width_mm=20.0, length_mm=30.0, source="maker")
    return dataclasses.replace(made_up.PROBE, maker_isotherms=(isotherm,))


@pytest.fixture
def plan(probe) -> nouns.Plan:
    """One such probe, with powers by probe in the protocol."""
    placement = nouns.Placement(label="A", probe=probe, entry_mm=(0.0, -80.0, 1 / 3), tip_mm=(0.0, 0.1, 0.0))
    protocol = nouns.read_protocol("freeze at 80% (A at 60%) for 10 min; thaw for 8 min; freeze for 90 s")
    return nouns.Plan(placements=(placement,), protocol=protocol, case="0123456789ab", name="first", notes=("n",))


@pytest.fixture
def history() -> nouns.ThermalHistory:
    """A tiny history with two thresholds, curves with a gap (NaN), and an energy balance."""
    grid = nouns.Grid(shape=(4, 5, 6), spacing_mm=(1.0, 1.0, 1.25), origin_mm=(-3.0, 2.0, 0.1))
    rng = np.random.default_rng(1)

    def volume(quantity):
        return nouns.Volume(grid=grid, array=rng.normal(-20, 30, grid.shape).astype(np.float32), quantity=quantity)

    curve = np.array([37.0, np.nan, -3.25])
    run = dataclasses.replace(
        made_up.RUN,
        inputs=(("case", "0123456789ab"),),
        library="abcdefabcdef",
        sources=("DESIGN",),
        started_at="2025-01-01T00:00:00+00:00",
        settings=(("tissues", "fat, muscle"),),
    )
    return nouns.ThermalHistory(
        coldest=volume("temperature_c"),
        start=volume("temperature_c"),
        below={-40.0: volume("time_s"), -2.5: volume("time_s")},
        time_s=np.array([0.0, 60.0, 120.0]),
        ice_ml=np.array([0.0, 1.5, 2.5]),
        structures=(nouns.StructureCurve(name="cord", coldest_c=curve, mean_c=curve + 1, place_mm=(1.0, 2.0, 3.0)),),
        probes=(nouns.ProbeCurve(label="A", surface_c=curve, heat_w=-curve),),
        energy=nouns.EnergyBalance(stored_j=-9.0, probe_j=-10.0, perfusion_j=0.5, metabolic_j=0.25, boundary_j=0.25),
        run=run,
        notes=("ice reached the edge",),
        sensors=(nouns.SensorCurve(label="nerve", at_mm=(0.0, 4.0, 2.0), temperature_c=curve + 2),),
    )


@pytest.fixture
def planted() -> dict[str, str]:
    """The identifiers in every DICOM file made here."""
    return PLANTED

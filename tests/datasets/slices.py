"""DICOM files made in memory."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")
from pydicom.dataset import FileDataset, FileMetaDataset  # noqa: E402
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid  # noqa: E402

LEFT_OUT = object()
"""An attribute of `dicom` that the file shall not have."""


def dicom(values: np.ndarray, syntax: str = ExplicitVRLittleEndian, **changes: Any) -> bytes:
    """A CT slice of given stored values; changes are attributes by their DICOM names."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = syntax
    kind = UID(syntax)
    file = FileDataset(
        "", {}, b"\0" * 128, meta, kind.is_implicit_VR, is_little_endian=kind.is_little_endian
    )
    file.PatientName = "Nobody"
    attributes = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "Modality": "CT",
        "Rows": values.shape[0],
        "Columns": values.shape[1],
        "SamplesPerPixel": values.shape[2] if values.ndim == 3 else 1,
        "PhotometricInterpretation": "RGB" if values.ndim == 3 else "MONOCHROME2",
        "BitsAllocated": 8 * values.itemsize,
        "BitsStored": 8 * values.itemsize,
        "HighBit": 8 * values.itemsize - 1,
        "PixelRepresentation": int(values.dtype.kind == "i"),
        "PixelData": values.tobytes(),
    }
    if values.ndim == 3:
        attributes["PlanarConfiguration"] = 0
    for name, value in {**attributes, **changes}.items():
        if value is not LEFT_OUT:
            setattr(file, name, value)
    buffer = io.BytesIO()
    file.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()

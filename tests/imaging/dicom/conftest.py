"""DICOM files made here, with pydicom as the pen."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


class Scanner:
    """Makes DICOM files; every one of them is of a patient."""

    def file(
        self,
        pixels: bytes | list[bytes],
        size: tuple[int, int],
        bits: int = 8,
        syntax: str = ExplicitVRLittleEndian,
        **elements: object,
    ) -> bytes:
        """A file of those octets, or of those compressed frames."""
        data = Dataset()
        data.SOPClassUID, data.SOPInstanceUID = CAPTURE, "1.2.3"
        data.PatientName, data.PatientID = "Roe^Jane", "4711"
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.Columns, data.Rows = size
        data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
        data.PixelRepresentation = 0
        for name, value in elements.items():
            setattr(data, name, value)
        if data.SamplesPerPixel > 1 and "PlanarConfiguration" not in data:
            data.PlanarConfiguration = 0
        compressed = isinstance(pixels, list)
        data.PixelData = encapsulate(pixels) if isinstance(pixels, list) else pixels
        data["PixelData"].VR = "OB" if compressed or bits <= 8 else "OW"
        data["PixelData"].is_undefined_length = compressed
        return self.written(data, syntax)

    def written(self, data: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = syntax
        data.file_meta.MediaStorageSOPClassUID = CAPTURE
        data.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
        out = BytesIO()
        implicit, big = syntax == ImplicitVRLittleEndian, syntax == ExplicitVRBigEndian
        data.save_as(out, implicit_vr=implicit, little_endian=not big, enforce_file_format=True)
        return out.getvalue()

    def words(self, *values: int, order: str = "<") -> bytes:
        """Numbers of sixteen bits."""
        return b"".join(struct.pack(f"{order}H", value & 0xFFFF) for value in values)

    def item(self, **elements: object) -> Dataset:
        data = Dataset()
        for name, value in elements.items():
            setattr(data, name, value)
        return data


@pytest.fixture(scope="session")
def scanner() -> Scanner:
    return Scanner()

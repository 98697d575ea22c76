"""Errors of the DICOM edge; messages are fit for a person."""


class EncodingError(ValueError):
    """A value cannot be written as a valid DICOM object."""

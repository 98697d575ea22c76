"""The edge: wire formats (DICOM, Orthanc) on one side, frozen dataclasses on the other.

No models, no settings, no business rules. Above this package nobody imports
pydicom or highdicom.
"""

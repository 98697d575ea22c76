"""DICOM objects in and out: parsing at the edge, encoding with highdicom."""

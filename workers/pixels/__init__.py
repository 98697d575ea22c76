"""DICOM bytes into arrays that a model or a thumbnail can use."""

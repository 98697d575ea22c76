"""DICOM objects in and out: parsing at the edge, encoding with highdicom."""

import logging

# Both libraries quote odd values in their log lines, patients' names among them,
# and no patient data may reach a log. What is odd is said in our own words.
for _library in ("pydicom", "highdicom"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)

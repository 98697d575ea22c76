"""DICOMweb for other programs: search, retrieve and store, authorised by study."""

"""What a file is that is not DICOM, by how it begins. Pure."""

from typing import Final

_BEGINNINGS: Final = (
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an XZ file"),
    (b"NRRD", "an NRRD volume"),
    (b"SQLite format 3\x00", "a database"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"\x00\x00\x01\xba", "a video"),
    (b"{\\rtf", "a text document"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"BM", "a BMP image"),
)
_AT: Final = (
    (4, b"ftyp", "a video"),
    (257, b"ustar", "a TAR archive"),
    (344, b"n+1\x00", "a NIfTI volume"),
    (344, b"ni1\x00", "a NIfTI header"),
)
_MARKUP: Final = (
    (b"<?xml", "an XML file"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"{", "a JSON file"),
    (b"[", "a JSON file"),
)


def kind_of_content(head: bytes) -> str:
    """Name the kind of a file in plain words.

    Args:
        head: Its first 4 KiB, or all of it where it is shorter.

    Returns:
        Such as "a PNG image"; '' when it is none that is known.
    """
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    for offset, magic, kind in _AT:
        if head[offset : offset + len(magic)] == magic:
            return kind
    return _kind_of_text(head)


def _kind_of_text(head: bytes) -> str:
    if not head or any(byte < 9 or (13 < byte < 32 and byte != 27) for byte in head):
        return ""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower()
    for beginning, kind in _MARKUP:
        if start.startswith(beginning):
            return kind
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return ""
    return "a text file"

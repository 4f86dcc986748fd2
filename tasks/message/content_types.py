"""The content type of a file by its name; the same on every machine."""

from __future__ import annotations

import mimetypes
from typing import Final

#: What is known of no file; also for mail as an attachment, which may not go in base64 (RFC 2046, 5.2.1).
DEFAULT: Final = "application/octet-stream"

_COMPRESSED: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}

_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_MORE: Final = {
    ".7z": "application/x-7z-compressed",
    ".avif": "image/avif",
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".heic": "image/heic",
    ".ics": "text/calendar",
    ".jpg": "image/jpeg",
    ".md": "text/markdown",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".rtf": "application/rtf",
    ".vcf": "text/vcard",
    ".webp": "image/webp",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
}


def _fixed_table() -> mimetypes.MimeTypes:
    # An instance knows what the library has built in, and nothing of the system's own files.
    table = mimetypes.MimeTypes()
    for suffix, content_type in _MORE.items():
        table.add_type(content_type, suffix)
    return table


_TABLE: Final = _fixed_table()


def content_type_of(name: str) -> str:
    """Return the content type of the file *name*, without parameters."""
    # A folder in front keeps a name such as "data:x" from being read as a URL.
    content_type, compression = _TABLE.guess_type(f"./{name}")
    if compression is not None:
        return _COMPRESSED.get(compression, DEFAULT)
    if content_type is None or content_type.startswith(("message/", "multipart/")):
        return DEFAULT
    return content_type

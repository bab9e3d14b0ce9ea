"""Decode text files written by the editors and shells of other systems."""

import codecs

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SAMPLE = 200
"""Bytes inspected where a file has no byte order mark."""


def is_utf_16(content: bytes) -> bool:
    """Return whether a text is UTF-16, as PowerShell's ``>`` writes it, judging by its mark or its zeros."""
    if content.startswith(UTF_16):
        return True
    sample = content[:SAMPLE]
    zeros = (sample[::2].count(0), sample[1::2].count(0))
    return min(zeros) == 0 and max(zeros) > len(sample) // 4


def decode_text(content: bytes, errors: str = "strict") -> str:
    """Decode UTF-8 or UTF-16, without a byte order mark.

    Args:
        content: the whole file.
        errors: how to handle bytes that are neither, as in :meth:`bytes.decode`.

    Raises:
        UnicodeDecodeError: the content is neither, and ``errors`` is ``strict``.
    """
    if not is_utf_16(content):
        return content.decode("utf-8-sig", errors)
    if content.startswith(UTF_16):
        return content.decode("utf-16", errors)
    return content.decode("utf-16-le" if content[:SAMPLE][1::2].count(0) else "utf-16-be", errors)

"""Text files as editors and shells of other systems write them."""

import codecs

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SAMPLE = 200
"""Bytes that are looked at where a file does not begin with a byte order mark."""


def is_utf_16(content: bytes) -> bool:
    """Return whether a text is UTF-16, as PowerShell's ``>`` writes it: by its mark, or by its zeros."""
    if content.startswith(UTF_16):
        return True
    sample = content[:SAMPLE]
    zeros = (sample[::2].count(0), sample[1::2].count(0))
    return min(zeros) == 0 and max(zeros) > len(sample) // 4


def decode_text(content: bytes, errors: str = "strict") -> str:
    """Decode UTF-8 or UTF-16, without a byte order mark.

    Args:
        content: all of a file.
        errors: what to do with what is neither, as :meth:`bytes.decode` takes it.

    Raises:
        UnicodeDecodeError: it is neither, and ``errors`` is ``strict``.
    """
    if not is_utf_16(content):
        return content.decode("utf-8-sig", errors)
    if content.startswith(UTF_16):
        return content.decode("utf-16", errors)
    return content.decode("utf-16-le" if content[:SAMPLE][1::2].count(0) else "utf-16-be", errors)

import codecs

import pytest

from core.system.encoding import decode_text, is_utf_16

TEXT = "Epoch 1/2: é\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_is_read_with_and_without_a_mark(encoding: str) -> None:
    assert decode_text(TEXT.encode(encoding)) == TEXT
    assert is_utf_16(TEXT.encode(encoding)) == encoding.startswith("utf-16")


def test_bytes_of_no_encoding_are_told_or_replaced() -> None:
    with pytest.raises(UnicodeDecodeError):
        decode_text(b"\xff\xe9")
    assert decode_text(b"a\xe9", "replace") == "a\N{REPLACEMENT CHARACTER}"
    assert decode_text(codecs.BOM_UTF16_LE + b"a\0b", "replace") == "a\N{REPLACEMENT CHARACTER}"
    assert decode_text(b"") == ""
    assert not is_utf_16(bytes(10))

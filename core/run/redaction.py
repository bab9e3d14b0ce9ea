"""Remove what looks like a secret from text that is kept."""

import re

MARK = "[redacted]"
_WORDS = r"[\w.-]*(?:token|secret|passw(?:or)?d|api_?key|access_?key|private_?key|credential|webhook)[\w.-]*"
_KEYS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\b(?:gh[opusr]_|github_pat_|glpat-|hf_|sk-|xox[abeprs]-|a[ks]-|pypi-|npm_|dp\.pt\.)[A-Za-z0-9_-]{16,}"
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"
    r"|hooks\.slack\.com/services/[\w/-]+"
    r"|discord(?:app)?\.com/api/webhooks/[\w/-]+",
    re.DOTALL,
)
"""Keys that can be told by their form: private keys, and those of well-known services."""
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s:@]+:[^@\s/]+(?=@)")
_QUOTED = re.compile(rf"""({_WORDS}["']?\s*[:=]\s*)(["'])([^"'\n]{{4,}})\2""", re.IGNORECASE)
_PLAIN = re.compile(
    rf"""({_WORDS}\s*[:=]\s*)((?=[^\s"'(){{}}\[\],]*\d)[^\s"'(){{}}\[\],]{{8,}})""", re.IGNORECASE
)


def redacted(text: str) -> tuple[str, int]:
    """Replace what looks like a secret; return the text and the number of replacements.

    That is: a private key, a key in the form of a well-known service, a user name and password in an
    address, and the value of anything whose name speaks of a token, a secret, a password or a key.
    """
    count = 0
    for pattern, replacement in (
        (_KEYS, MARK),
        (_IN_ADDRESS, MARK),
        (_QUOTED, rf"\1\2{MARK}\2"),
        (_PLAIN, rf"\1{MARK}"),
    ):
        text, found = pattern.subn(replacement, text)
        count += found
    return text, count

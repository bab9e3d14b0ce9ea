"""Send an event to a webhook: plain JSON, or the forms of Slack, Discord and ntfy.

Sources of the forms: https://api.slack.com/messaging/webhooks (``text``; ``&``, ``<`` and ``>`` escaped),
https://discord.com/developers/docs/resources/webhook (``content``, 2,000 characters, no mentions) and
https://docs.ntfy.sh/publish (text, with title, priority and tags as headers). No message of this module
contains the address.
"""

import http.client
import ssl
import urllib.error
import urllib.request
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from mabe_tui.runs.alerts.message import AlertEvent
from mabe_tui.runs.alerts.outcome import Outcome, delivered, refused, retried
from mabe_tui.runs.alerts.rules import Form

SECONDS = 10.0
"""How long a connection or an answer is waited for."""
LONGEST_TEXT = 2000
"""Characters: what Discord accepts."""
TOO_MANY, REDIRECTS, SERVER_ERRORS = 429, range(300, 400), 500
REQUEST_TIMEOUT = 408


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows none: the secret would be sent to an address that nobody named."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def send(address: str, form: Form, event: AlertEvent, seconds: float = SECONDS) -> Outcome:
    """Send an event once.

    Args:
        address: the webhook's.
        form: of the message.
        event: the event.
        seconds: how long to wait.
    """
    body, headers = message_of(form, event)
    request = urllib.request.Request(
        address, body, {"User-Agent": "mabe", **headers}, method="POST"
    )
    handlers: list[Any] = [_NoRedirects]
    if request.type == "http":  # in the own network: no proxy is to read it
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=seconds) as answer:
            answer.read(1)
        return delivered()
    except urllib.error.HTTPError as error:
        with error:
            return _refusal(error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return retried(_words(error, seconds))


def message_of(form: Form, event: AlertEvent) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a message."""
    text = event.text[:LONGEST_TEXT]
    if form == "ntfy":
        tags = "warning" if event.is_bad else "white_check_mark"
        headers = {"Title": event.run, "Tags": tags, "Priority": "4" if event.is_bad else "3"}
        return text.encode(), {"Content-Type": "text/plain; charset=utf-8", **headers}
    content: object = event
    if form == "slack":
        content = {"text": _escaped(text)}
    elif form == "discord":
        content = {"content": text, "allowed_mentions": {"parse": []}}
    return msgspec.json.encode(content), {"Content-Type": "application/json"}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _refusal(error: urllib.error.HTTPError) -> Outcome:
    status = error.code
    name = http.client.responses.get(status, "")
    answer = f"the server answered {status} {name}".rstrip()
    if status in REDIRECTS:
        return refused(f"{answer}, a redirection, which is not followed: name the final address")
    if status == TOO_MANY:
        return retried(answer, _pause(error.headers))
    if status >= SERVER_ERRORS or status == REQUEST_TIMEOUT:
        return retried(answer)
    return refused(answer)


def _pause(headers: Message) -> float | None:
    """Return the seconds of ``Retry-After``: a number, or a date (RFC 9110, 10.2.3)."""
    text = (headers.get("Retry-After") or "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until, sent = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("Date") or "")
    except (TypeError, ValueError):
        return None
    return max(0.0, (until - sent).total_seconds())


def _words(error: BaseException, seconds: float) -> str:
    """Return why a server could not be reached, without what the error says of the address."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its TLS certificate is not trusted ({reason.verify_message})"
    if isinstance(reason, ssl.SSLError):
        return f"TLS failed ({(reason.reason or 'no reason given').replace('_', ' ').lower()})"
    if isinstance(reason, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(reason, OSError) and reason.strerror:
        return f"cannot be reached ({reason.strerror})"
    return f"no valid answer ({type(reason).__name__})"

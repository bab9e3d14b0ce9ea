"""Webhooks against a server on this computer: forms, failures in words, secrets that are never told."""

import json
import ssl
import urllib.error
from email.message import Message
from pathlib import Path

import pytest

from core.errors import UserError
from mabe_tui.runs.alerts import webhook
from mabe_tui.runs.alerts.delivery import deliver, run_command
from mabe_tui.runs.alerts.rules import AlertRule
from mabe_tui.runs.alerts.secret import Secret
from mabe_tui.runs.alerts.webhook import send
from tests.mabe_tui.runs.alerts.conftest import EVENT, TOKEN, Receiver


def test_each_form_is_what_its_receiver_takes(receiver: Receiver) -> None:
    for form in ("json", "slack", "discord", "ntfy"):
        assert send(receiver.url, form, EVENT).problem is None
    assert [path for path, _, _ in receiver.got] == [f"/{TOKEN}"] * 4
    plain, slack, discord, ntfy = (body for _, _, body in receiver.got)
    assert json.loads(plain)["run"] == EVENT.run
    assert json.loads(plain)["values"] == {"cost_usd": None}
    assert json.loads(slack) == {"text": f"{EVENT.run} failed: &lt;!channel&gt; &amp; more"}
    assert json.loads(discord) == {"content": EVENT.text, "allowed_mentions": {"parse": []}}
    assert ntfy.decode() == EVENT.text
    assert receiver.got[3][1]["Title"] == EVENT.run
    assert receiver.got[3][1]["Priority"] == "4"


@pytest.mark.parametrize(
    ("status", "headers", "words", "again", "pause"),
    [
        (500, {}, "answered 500 Internal Server Error", True, None),
        (429, {"Retry-After": "7"}, "answered 429 Too Many Requests", True, 7.0),
        (429, {"Retry-After": "soon"}, "answered 429", True, None),
        (404, {}, "answered 404 Not Found", False, None),
        (302, {"Location": "http://127.0.0.1:1/elsewhere"}, "not followed", False, None),
        (307, {"Location": "/here"}, "not followed", False, None),
    ],
)
def test_a_refusal_is_said_and_tried_again_where_that_may_help(
    receiver: Receiver,
    status: int,
    headers: dict[str, str],
    words: str,
    again: bool,
    pause: float | None,
) -> None:
    receiver.answers.append((status, headers))
    outcome = send(receiver.url, "slack", EVENT)
    assert words in (outcome.problem or "")
    assert (outcome.again, outcome.pause) == (again, pause)
    assert len(receiver.got) == 1
    assert TOKEN not in (outcome.problem or "")


def test_a_date_to_try_again_is_understood() -> None:
    dates = {
        "Date": "Tue, 01 Dec 2026 12:00:00 GMT",
        "Retry-After": "Tue, 01 Dec 2026 12:01:30 GMT",
    }
    headers = Message()
    for name, value in dates.items():
        headers[name] = value
    assert webhook._pause(headers) == 90.0


def test_silence_a_closed_port_and_tls_errors_are_said_in_words(receiver: Receiver) -> None:
    receiver.silent.clear()
    outcome = send(receiver.url, "json", EVENT, seconds=0.05)
    assert (outcome.problem, outcome.again) == ("no answer within 0.05 s", True)
    receiver.silent.set()
    closed = send("http://127.0.0.1:9/x", "json", EVENT, seconds=5)
    assert "cannot be reached (Connection refused)" in (closed.problem or "")
    no_tls = send(receiver.url.replace("http:", "https:"), "json", EVENT)
    assert "TLS failed (" in (no_tls.problem or "")
    untrusted = ssl.SSLCertVerificationError(1, "certificate verify failed")
    untrusted.verify_message = "self-signed certificate"
    assert webhook._words(urllib.error.URLError(untrusted), 1) == (
        "its TLS certificate is not trusted (self-signed certificate)"
    )
    assert all(TOKEN not in (each.problem or "") for each in (outcome, closed, no_tls))


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com/hook",
        "ftp://x/y",
        "https:///x",
        "no address",
        "https://a:b@x/",
        "http://[x",
    ],
)
def test_an_address_that_a_secret_may_not_go_to_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", address)
    with pytest.raises(UserError, match="env:HOOK: ") as caught:
        Secret("env:HOOK").read()
    assert address not in str(caught.value)


def test_addresses_are_read_from_where_they_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hook").write_text("https://example.com/secret\n")
    assert Secret(f"file:{tmp_path / 'hook'}").read() == "https://example.com/secret"
    monkeypatch.delenv("HOOK", raising=False)
    with pytest.raises(UserError, match="env:HOOK: the environment variable is not set"):
        Secret("env:HOOK").read()
    with pytest.raises(UserError, match=r"file:/nowhere: cannot be read \(No such file"):
        Secret("file:/nowhere").read()
    assert repr(Secret("https://example.com/secret")) == "…"


def test_a_program_reads_the_event_and_no_shell_its_arguments(tmp_path: Path) -> None:
    target = tmp_path / "got"
    rule = AlertRule(when="failed", to=("command",), command=("tee", "--", f"{target}; touch x"))
    assert deliver(rule, "command", EVENT).problem is None
    assert json.loads((tmp_path / "got; touch x").read_text())["text"] == EVENT.text
    failed = run_command(("sh", "-c", "echo why >&2; exit 3"), EVENT)
    assert (failed.problem, failed.again) == ("ended with exit code 3: why", True)
    slow = run_command(("sleep", "60"), EVENT, seconds=0.05)
    assert "was killed" in (slow.problem or "")
    absent = run_command(("/no/such/program",), EVENT)
    assert (absent.problem, absent.again) == (
        "cannot be started (No such file or directory)",
        False,
    )

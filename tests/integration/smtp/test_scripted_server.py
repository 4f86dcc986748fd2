"""The server that tells other tests what became of their mails."""

from __future__ import annotations

import smtplib
import threading
import time

from tasks.testing.actions import Pause
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer


def test_a_mail_counts_from_its_dot_and_not_from_the_answer_that_comes_later() -> None:
    """Else a second copy goes unseen by whoever looks while the server still thinks."""
    with ScriptedServer(Script(dot=Pause(600.0))) as server:
        client = smtplib.SMTP(server.host, server.port)
        client.ehlo()
        client.mail("ann@example.com")
        client.rcpt("bob@example.org")
        waiting = threading.Thread(target=_send, args=(client,))
        waiting.start()
        last_moment = time.monotonic() + 10
        while not server.dots and time.monotonic() < last_moment:
            time.sleep(0.01)

        assert [mail.is_accepted for mail in server.dots] == [True]
        assert waiting.is_alive()
    waiting.join(10)
    client.close()


def _send(client: smtplib.SMTP) -> None:
    try:
        client.data("hello\r\n")
    except smtplib.SMTPServerDisconnected:
        return

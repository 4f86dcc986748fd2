"""One session of a scripted server: a good server's answers, with the script's in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.testing.actions import Pause, Say
from tasks.testing.channel import Gone
from tasks.testing.exchange import exchange
from tasks.testing.record import LoginAttempt, Mail

if TYPE_CHECKING:
    from tasks.testing.actions import Action
    from tasks.testing.channel import Channel
    from tasks.testing.offer import Offer
    from tasks.testing.record import Record
    from tasks.testing.script import Play


class Dialogue:
    """Speaks with one client until it leaves, the script drops it, or the server is closed."""

    def __init__(self, channel: Channel, play: Play, offer: Offer, record: Record) -> None:
        self._channel = channel
        self._play = play
        self._offer = offer
        self._record = record
        self._number = record.connect()
        self._is_logged_in = False
        self._sender: str | None = None
        self._parameters: tuple[str, ...] = ()
        self._recipients: list[str] = []

    def run(self) -> None:
        """Speak."""
        try:
            if self._offer.implicit_tls:
                self._secure()
            self._answer("banner", "220 scripted.example ESMTP")
            while True:
                self._command(self._channel.line())
        except Gone:
            self._channel.close()

    def _command(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        verb, _, argument = text.partition(" ")
        verb = verb.upper()
        self._note(" ".join(text.split()[:2]) if verb == "AUTH" else text, verb)
        handler = getattr(self, f"_on_{verb.lower()}", None)
        if handler is None:
            Say("500 5.5.1 what?").perform(self._channel)
        else:
            handler(argument)

    def _note(self, text: str, verb: str) -> None:
        with self._record.lock:
            self._record.transcripts[self._number].append(text)
            if self._channel.has_more() and not self._offer.pipelines and verb != "QUIT":
                self._record.ahead += 1

    def _on_ehlo(self, _: str) -> None:
        lines = ["scripted.example", *self._offer.announced(is_secured=self._channel.is_secured)]
        self._forget_mail()
        self._answer("ehlo", "\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    def _on_helo(self, _: str) -> None:
        self._forget_mail()
        self._answer("helo", "250 scripted.example")

    def _on_starttls(self, _: str) -> None:
        can = self._offer.context and not self._channel.is_secured
        if self._answer("starttls", "220 2.0.0 go ahead" if can else "502 5.5.1 no TLS here") == 220:  # noqa: PLR2004
            self._secure()

    def _secure(self) -> None:
        if action := self._play.next("tls"):
            action.perform(self._channel)
        elif self._offer.context:
            self._channel.secure(self._offer.context)

    def _on_auth(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        user_name, secret, is_right = exchange(mechanism, initial, self._channel, self._offer.users)
        attempt = LoginAttempt(mechanism, user_name, secret, self._channel.is_secured)
        with self._record.lock:
            self._record.logins.append(attempt)
        verdict = "235 2.7.0 welcome" if is_right else "535 5.7.8 authentication failed"
        self._is_logged_in = self._answer("auth", verdict) == 235  # noqa: PLR2004  # RFC 4954's success

    def _on_mail(self, argument: str) -> None:
        path, *parameters = argument.partition(":")[2].split()
        if self._sender is not None:
            default = "503 5.5.1 one mail at a time"
        elif self._offer.users and not self._is_logged_in:
            default = "530 5.7.0 authentication required"
        else:
            default = "250 2.1.0 sender ok"
        if _accepts(self._answer("mail", default)):
            self._sender, self._parameters = path.strip("<>"), tuple(parameters)

    def _on_rcpt(self, argument: str) -> None:
        recipient = argument.partition(":")[2].strip().strip("<>")
        default = "503 5.5.1 MAIL first" if self._sender is None else "250 2.1.5 recipient ok"
        if _accepts(self._answer("rcpt", default, recipient)):
            self._recipients.append(recipient)

    def _on_data(self, _: str) -> None:
        default = "354 go on" if self._recipients else "554 5.5.1 no valid recipients"
        if self._answer("data", default) == 354:  # noqa: PLR2004  # RFC 5321's go-ahead
            self._take_content()

    def _take_content(self) -> None:
        lines = [self._channel.line()]
        if action := self._play.next("body"):
            action.perform(self._channel)
        while lines[-1] != b".":
            lines.append(self._channel.line())
        content = b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:-1])
        actions = self._plan("dot", f"250 2.0.0 Ok: queued as SCRIPT{len(self._record.dots):04}")
        recipients, parameters = tuple(self._recipients), self._parameters
        mail = Mail(self._sender or "", recipients, content, parameters, actions[-1].code, self._number)
        # Before a pause: whoever looks for second copies meanwhile must find this one.
        with self._record.lock:
            self._record.dots.append(mail)
        self._forget_mail()
        self._perform(actions)

    def _on_rset(self, _: str) -> None:
        self._forget_mail()
        self._answer("rset", "250 2.0.0 forgotten")

    def _on_noop(self, _: str) -> None:
        self._answer("noop", "250 2.0.0 still here")

    def _on_quit(self, _: str) -> None:
        self._answer("quit", "221 2.0.0 bye")
        self._channel.drop()

    def _forget_mail(self) -> None:
        self._sender, self._parameters, self._recipients = None, (), []

    def _answer(self, step: str, default: str, address: str = "") -> int | None:
        """Do what the script says, else say *default*; return the reply code that was given."""
        actions = self._plan(step, default, address)
        self._perform(actions)
        return actions[-1].code

    def _plan(self, step: str, default: str, address: str = "") -> tuple[Action, ...]:
        """Return what is to be done one after the other; the last one is the answer."""
        action = self._play.next(step, address)
        if isinstance(action, Pause):
            return action, Say(default)
        return (action or Say(default),)

    def _perform(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            action.perform(self._channel)


def _accepts(code: int | None) -> bool:
    return code is not None and code // 100 == 2  # noqa: PLR2004  # the class 2yz

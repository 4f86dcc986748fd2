"""Tokens against real servers: Postfix asks Dovecot, and Dovecot asks the authority that issued them."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from tasks.contract.codes import Phase
from tasks.failures import PermanentFailure, Receipt
from tasks.smtp.login import Login, Mechanism
from tasks.smtp.secret_sources import StaticSecret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.deadline import Deadline
    from tests.integration.smtp.conftest import Desk

POSTFIX, DOVECOT = shutil.which("postfix", path="/usr/sbin"), shutil.which("dovecot", path="/usr/sbin")
pytestmark = pytest.mark.skipif(
    not (POSTFIX and DOVECOT and os.geteuid() == 0),
    reason="Postfix and Dovecot are needed, and root, as which alone Postfix starts",
)
USER = "ann@example.org"
GOOD = StaticSecret(SecretStr("canary-good"), gives_tokens=True)
BAD = StaticSecret(SecretStr("canary-bad"), gives_tokens=True)
MECHANISMS = [Mechanism.XOAUTH2, Mechanism.OAUTHBEARER]

MAIN_CF = """\
compatibility_level=3.6
queue_directory={folder}/spool
data_directory={folder}/data
command_directory=/usr/sbin
daemon_directory=/usr/lib/postfix/sbin
mail_owner=postfix
setgid_group=postdrop
myhostname=mail.example.org
inet_interfaces=127.0.0.1
inet_protocols=ipv4
maillog_file={folder}/mail.log
maillog_file_prefixes={folder}
mydestination=
mynetworks=127.0.0.99/32
default_transport=discard
smtpd_sasl_auth_enable=yes
smtpd_sasl_type=dovecot
smtpd_sasl_path=private/auth
smtpd_relay_restrictions=permit_sasl_authenticated,reject
"""
MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
"""
DOVECOT_CONF = """\
base_dir={folder}/run
state_dir={folder}/state
log_path={folder}/dovecot.log
protocols=
ssl=no
auth_mechanisms=xoauth2 oauthbearer
disable_plaintext_auth=no
auth_failure_delay=0
passdb {{
  driver=oauth2
  mechanisms=xoauth2 oauthbearer
  args={folder}/oauth2.conf
}}
userdb {{
  driver=static
  args=uid=65534 gid=65534 home=/tmp
}}
service auth {{
  unix_listener {folder}/spool/private/auth {{
    mode=0666
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode=0
  }}
}}
"""
OAUTH2_CONF = """\
introspection_mode=post
introspection_url={authority}
username_attribute=email
active_attribute=active
active_value=true
"""


@dataclass(frozen=True)
class Place:
    """Where the server listens, as much of a scripted server as a desk needs."""

    port: int
    host: str = "127.0.0.1"


@dataclass(frozen=True)
class Renewed:
    """A source whose first token has expired."""

    gives_tokens: bool = True
    asked: list[bool] = field(default_factory=list, compare=False)

    def secret(self, deadline: Deadline, *, fresh: bool = False) -> SecretStr:
        assert not deadline.is_over
        self.asked.append(fresh)
        return SecretStr("canary-good" if fresh else "canary-bad")


class Authority(BaseHTTPRequestHandler):
    """Says of one token that it is good, and whose (RFC 7662)."""

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_good = urllib.parse.parse_qs(form)["token"] == ["canary-good"]
        body = json.dumps({"active": is_good, "email": USER} if is_good else {"active": False}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def authority() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Authority) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/introspect"
        server.shutdown()
        thread.join()


@contextmanager
def mail_server(authority: str) -> Iterator[Place]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="postroom-"))
    folder.chmod(0o755)
    for name in ("etc", "spool/private", "data"):
        (folder / name).mkdir(parents=True)
    for name in ("spool/private", "data"):
        os.chown(folder / name, pwd.getpwnam("postfix").pw_uid, -1)
    files = {
        "etc/main.cf": MAIN_CF,
        "etc/master.cf": MASTER_CF,
        "dovecot.conf": DOVECOT_CONF,
        "oauth2.conf": OAUTH2_CONF,
    }
    for name, text in files.items():
        (folder / name).write_text(text.format(folder=folder, port=port, authority=authority))
    try:
        with (
            running(DOVECOT, "-F", "-c", folder / "dovecot.conf"),
            running(POSTFIX, "-c", folder / "etc", "start-fg"),
        ):
            wait_until_it_greets(port)
            yield Place(port)
    finally:
        shutil.rmtree(folder)


@contextmanager
def running(*line: object) -> Iterator[None]:
    with subprocess.Popen(  # noqa: S603  # our own line
        [str(word) for word in line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def wait_until_it_greets(port: int) -> None:
    for _ in range(200):
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                if connection.recv(3) == b"220":
                    return
        except OSError:
            time.sleep(0.05)
    pytest.fail("Postfix does not greet")


@pytest.fixture(scope="module")
def server() -> Iterator[Place]:
    with authority() as url, mail_server(url) as place:
        yield place


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_good_token_logs_in(desk: Desk, server: Place, mechanism: Mechanism) -> None:
    answer = desk.send_one(server, login=Login(USER, mechanism, GOOD))

    assert isinstance(answer, Receipt)
    assert "queued as" in answer.reply.text


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_bad_token_is_refused_with_535_once_its_challenge_was_answered(
    desk: Desk, server: Place, mechanism: Mechanism
) -> None:
    answer = desk.send_one(server, login=Login(USER, mechanism, BAD))

    assert isinstance(answer, PermanentFailure)
    assert (answer.reply.code, answer.reply.enhanced_status, answer.phase) == (535, "5.7.8", Phase.AUTH)
    assert "canary" not in f"{answer!r} {answer.hint}"


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_token_that_expired_is_renewed_on_the_same_connection(
    desk: Desk, server: Place, mechanism: Mechanism
) -> None:
    source = Renewed()
    answer = desk.send_one(server, login=Login(USER, mechanism, source))

    assert isinstance(answer, Receipt)
    assert source.asked == [False, True]


def test_a_token_for_somebody_else_is_refused(desk: Desk, server: Place) -> None:
    answer = desk.send_one(server, login=Login("bob@example.org", Mechanism.XOAUTH2, GOOD))

    assert isinstance(answer, PermanentFailure)
    assert answer.reply.code == 535


def test_without_a_login_the_server_relays_nothing(desk: Desk, server: Place) -> None:
    answer = desk.send_one(server)

    assert isinstance(answer, PermanentFailure)
    assert answer.phase is Phase.RCPT

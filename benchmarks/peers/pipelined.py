"""The bare limit of one Python process: a socket, PIPELINING, an f-string; no queue and no results."""

from __future__ import annotations

import socket
import sys
import time

from benchmarks.peers.mails import mail


def main(port: int, count: int) -> None:
    """Send *count* mails over one connection, the envelope of the next with the body of the one before."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        replies = connection.makefile("rb")
        replies.readline()
        connection.sendall(b"EHLO localhost\r\n")
        while replies.readline()[3:4] == b"-":
            pass
        began, body = time.time(), b""
        for number in range(count):
            values = mail(number)
            envelope = f"MAIL FROM:<shop@example.com>\r\nRCPT TO:<{values['to']}>\r\nDATA\r\n"
            connection.sendall(body + envelope.encode())
            expected = ([b"250"] if body else []) + [b"250", b"250", b"354"]
            if [replies.readline()[:3] for _ in expected] != expected:
                raise SystemExit("the sink refused a mail")
            head = f"From: shop@example.com\r\nTo: {values['to']}\r\nSubject: {values['subject']}\r\n\r\n"
            body = (head + values["body"].replace("\n", "\r\n") + ".\r\n").encode()
        connection.sendall(body + b"QUIT\r\n")
        if replies.readline()[:3] != b"250":
            raise SystemExit("the sink refused a mail")
        sys.stdout.write(f"began {began}\nended {time.time()}\ncpu {time.process_time()}\n")


main(int(sys.argv[1]), int(sys.argv[2]))

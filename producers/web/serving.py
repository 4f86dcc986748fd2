"""Running the gateway with uvicorn, in one process or several."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.supervisors import Multiprocess

from producers.web.metrics import SHARED_FOLDER
from producers.web.protocol import Config

if TYPE_CHECKING:
    from producers.web.settings import WebSettings

_APP: Final = "producers.web.composition:app_from_environment"
#: How many connections the system keeps for a process that is busy.
_BACKLOG: Final = 2048


def serve(settings: WebSettings) -> None:
    """Answer requests until the process is told to end, which those under way have some time for."""
    if settings.workers == 1:
        uvicorn.Server(_config(settings)).run()
        return
    with tempfile.TemporaryDirectory(prefix="postroom-metrics-") as folder:
        # Any of the processes may be asked for the numbers, and must know those of all.
        os.environ[SHARED_FOLDER] = folder
        config = _config(settings)
        Multiprocess(config, sockets=[config.bind_socket()]).run()


def _config(settings: WebSettings) -> Config:
    return Config(
        _APP,
        head_timeout=settings.head_timeout,
        most_connections=settings.max_connections,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Where a request comes from counts for signing in only, and `pages.attempts` says whom it believes.
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=round(settings.keep_alive),
        timeout_graceful_shutdown=round(settings.grace),
    )

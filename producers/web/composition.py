"""The gateway as the environment describes it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from producers.cli.connection import Places, resets, urls
from producers.cli.gateway import hooks_settings_from_environment
from producers.connections import connect
from producers.hooks.ledger import Ledger
from producers.outbox import Outbox
from producers.web.admission import Admission
from producers.web.app import create_app
from producers.web.desk import Desk
from producers.web.errands import Errands
from producers.web.gateway import Gateway
from producers.web.hook_errands import HookErrands
from producers.web.inbox.folder import Folder
from producers.web.index import Index
from producers.web.keyfile import KeyFile
from producers.web.keyring import Keyring
from producers.web.logs import set_up
from producers.web.memory import look_seldom
from producers.web.metrics import Metrics
from producers.web.pages.state import Pages
from producers.web.rates import Rates
from producers.web.reset_errands import ResetErrands
from producers.web.settings import WebSettings
from tasks.journal.link import Link
from tasks.journal.sealing import seal_with

if TYPE_CHECKING:
    from starlette.types import ASGIApp

logger = logging.getLogger(__name__)


def app_from_environment() -> ASGIApp:
    """
    Return the application of this process.

    Raises:
        typer.BadParameter: a URL or a sealing key cannot be used.
        pydantic.ValidationError: a setting is wrong.
        UnusableKeyFile: the keys cannot be read.
        ValueError: the file with the token for metrics cannot be used.
    """
    settings = WebSettings()
    set_up(settings)
    app = create_app(gateway_for(settings), pages_for(settings))
    look_seldom()
    return app


def gateway_for(settings: WebSettings) -> Gateway:
    """Return the gateway of *settings*. Raises as `app_from_environment`."""
    broker_url, journal_url = urls(None, None)
    places = Places()
    keys = places.seal_keys
    redis = connect(journal_url)
    outbox = Outbox(broker_url, journal_url=journal_url, sealing_keys=keys, is_lean=places.lean_enqueue)
    ledger = Ledger(redis, options=hooks_settings_from_environment().options)
    link = Link(redis)
    index, rates = Index(redis, seal=seal_with(keys)), Rates(redis, link=link)
    return Gateway(
        settings,
        keyring=Keyring(KeyFile(settings.keys_file)),
        desk=Desk(outbox, index=index, rates=rates, admission=Admission(redis, index=index, link=link)),
        errands=Errands(outbox, redis, index=index, rates=rates),
        resets=ResetErrands(resets(None, None), index=index, rates=rates),
        hooks=HookErrands(ledger, rates=rates),
        metrics=Metrics(ledger),
    )


def pages_for(settings: WebSettings) -> Pages | None:
    """Return the pages of *settings*, None where there are to be none."""
    if not settings.pages:
        return None
    _, journal_url = urls(None, None)
    return Pages.over(connect(journal_url), inbox=inbox_for(settings))


def inbox_for(settings: WebSettings) -> Folder | None:
    """Return the caught mails of *settings*: in development only, whatever folder is named."""
    if settings.inbox is None:
        return None
    if settings.mode != "development":
        logger.warning("no inbox", extra={"why": "POSTROOM_MODE is not development"})
        return None
    return Folder(settings.inbox)

"""Putting the parts together: what a worker process needs to deliver mails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.contract.queue import WORKER_SETTINGS
from tasks.delivery.accounts import Accounts
from tasks.delivery.delivery import DeliveryService
from tasks.delivery.preparation import Preparation
from tasks.delivery.routing import Router
from tasks.delivery.sealing import SealPolicy
from tasks.journal.audit import Audit
from tasks.journal.blobs import BlobStore
from tasks.journal.connecting import client_of
from tasks.journal.control import Control
from tasks.journal.copies import ResultCopies
from tasks.journal.journal import Journal, JournalOptions
from tasks.journal.leases import LeaseKeeper
from tasks.journal.logbook.logbook import Logbook
from tasks.journal.logbook.recovery import Recovery
from tasks.journal.logbook.shelf import Shelf
from tasks.journal.quarantine import Quarantine
from tasks.journal.sealing import seal_with
from tasks.message.attachments import AttachmentPolicy
from tasks.password_reset.assembly import letters_of, staff_of
from tasks.password_reset.notices import Notices
from tasks.smtp.transport import SmtpTransport
from worker.fibers.link import SharedLink
from worker.sieve import Sieve

if TYPE_CHECKING:
    from redis import Redis

    from worker.settings import Settings

#: What stands before a task's id in the keys of Celery's result backend.
_PREFIX: Final = "celery-task-meta-"


def connect(settings: Settings) -> Redis:
    """Return the client of the journal's Redis; it connects when it is first used."""
    return connect_to(settings.journal)


def connect_to(url: str) -> Redis:
    """Return a client of the Redis that *url* names; it connects when it is first used."""
    return client_of(
        url,
        socket_timeout=5.0,
        socket_connect_timeout=2.0,
        socket_keepalive=True,
        health_check_interval=5,
        # A write whose answer was lost must not be made again unseen; the callers decide.
        retry=Retry(NoBackoff(), 0),
    )


def journal_options(settings: Settings) -> JournalOptions:
    """Return the journal's options as the operator set them."""
    return JournalOptions(lease=settings.lease, patience=settings.patience, retention=settings.retention)


def sieve(settings: Settings) -> Sieve:
    """Return what sets queue entries aside that are no messages."""
    return Sieve(Quarantine(connect(settings), seal=seal_with(settings.seal_keys)))


def router(settings: Settings) -> Router:
    """Return the router over the configured accounts."""
    accounts = Accounts(settings.accounts.values(), default=settings.default_account)
    return Router(accounts, ca_folder=settings.ca_folder)


def _copies(settings: Settings) -> ResultCopies | None:
    """Return what makes copies of results, where the journal's Redis is the one that Celery looks in."""
    if not settings.trims or settings.results != settings.journal:
        return None
    return ResultCopies(_PREFIX, int(WORKER_SETTINGS["result_expires"]))


def _shelf(settings: Settings) -> Shelf | None:
    return Shelf(settings.logbook_folder, settings.journal) if settings.logbook_folder else None


def recovery(settings: Settings) -> Recovery | None:
    """Return what cleans up behind the dead worker processes of this machine; None without logbooks."""
    shelf = _shelf(settings)
    journal = Journal(connect(settings), options=journal_options(settings), copies=_copies(settings))
    return Recovery(shelf, journal) if shelf else None


def notices(settings: Settings) -> Notices:
    """Return what tells actors of resets that failed."""
    return Notices(connect(settings), staff_of(settings.resets), seal=seal_with(settings.seal_keys))


def delivery_service(settings: Settings) -> DeliveryService:
    """Return what carries the mails of one worker process."""
    redis = connect(settings)
    seal = seal_with(settings.seal_keys)
    options, link = journal_options(settings), SharedLink(redis)
    journal = Journal(redis, options=options, link=link, copies=_copies(settings))
    logbook = Logbook(_shelf(settings))
    return DeliveryService(
        journal=journal,
        control=Control(redis, options=options, seal=seal),
        leases=LeaseKeeper(journal, logbook),
        preparation=Preparation(
            router=router(settings),
            attachments=AttachmentPolicy(
                roots=settings.attachment_roots,
                max_bytes=settings.max_message_bytes,
                blocked_suffixes=settings.blocked_attachments,
            ),
            stored=BlobStore(redis, seal=seal).get,
            max_bytes=settings.max_message_bytes,
            sealing=SealPolicy(seal, is_required=settings.require_sealed),
            letters=letters_of(settings.resets, recall=Audit(redis, seal=seal).get),
        ),
        transport=SmtpTransport(),
        logbook=logbook,
    )

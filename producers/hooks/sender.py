"""Senders: they make deliveries of the ends of mails, and carry those that are due to their receivers."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import RedisError

from producers.hooks.deliveries import Settlement
from producers.hooks.events import TRIAL, Event, Unreadable
from producers.hooks.posting import Attempt
from producers.hooks.schedule import wait_after
from producers.hooks.signing import signature_headers
from producers.web.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from producers.hooks.deliveries import Claim, Deliveries
    from producers.hooks.posting import Poster
    from producers.web.keyring import Keyring
    from producers.web.webhook import Webhook

logger = logging.getLogger(__name__)

#: Seconds after which a sender looks for what has become due, and for what else may have changed.
_TURN: Final = 0.5
#: Seconds that it rests when Redis is away.
_REST: Final = 1.0
#: Seconds from one sign of life to the next.
_BEAT: Final = 2.0
#: Events that are made into deliveries together.
_BATCH: Final = 200
#: Attempts of this sender that are under way at once.
_MOST: Final = 200
#: Keys that it looks at in one turn.
_KEYS: Final = 25


class Sender:
    """
    One sender; any number may run, each delivery is in the hands of one of them.

    Whatever happens to it, a delivery that was begun and not settled is due again when its lease is over.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        *,
        keyring: Keyring,
        poster: Poster,
        grace: float = 3.0,
        heartbeat: Path | None = None,
    ) -> None:
        self._deliveries = deliveries
        self._keyring = keyring
        self._poster = poster
        self._grace = grace
        self._heartbeat = heartbeat
        self._last_beat = float("-inf")
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="redis")
        self._settling: Runs[Settlement, bool] = Runs(deliveries.settle)
        self._under_way: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Take nothing more; those under way have the grace to end."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Work until told to stop."""
        logger.info("webhooks started")
        try:
            await asyncio.gather(self._forever(self.take_in), self._forever(self.carry))
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=self._grace)
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
            self._settling.close()
            self._threads.shutdown()
            await self._poster.close()
        logger.info("webhooks stopped")

    async def take_in(self) -> None:
        """Make deliveries of mails that ended; wait for some if there are none."""
        entries = await self._call(self._deliveries.ended, most=_BATCH, wait=_TURN)
        if not entries:
            return
        events = [self._event(entry, fields) for entry, fields in entries]
        await self._call(self._deliveries.admit, [event for event in events if event])
        unwanted = [entry for (entry, _), event in zip(entries, events, strict=True) if event is None]
        await self._call(self._deliveries.drop, unwanted)
        self._wake.set()

    async def carry(self) -> None:
        """Take what is due and begin to post it; then wait until there may be more."""
        self._wake.clear()
        if len(self._under_way) < _MOST:
            keys = await self._call(self._deliveries.due_keys, most=_KEYS)
            webhooks = {key_id: self._webhook(key_id) for key_id in keys}
            addresses = {key_id: hook.fingerprint if hook else "" for key_id, hook in webhooks.items()}
            for claim in await self._call(self._deliveries.claim, addresses):
                self._begin(claim, webhooks[claim.key_id])
            if len(keys) == _KEYS:
                # There may be more.
                self._wake.set()
        self._beat()
        try:
            await asyncio.wait_for(self._wake.wait(), _TURN)
        except TimeoutError:
            return

    def _beat(self) -> None:
        """Say that Redis was reached a moment ago; what keeps the file from being touched stops nothing."""
        now = time.monotonic()
        if self._heartbeat and now - self._last_beat >= _BEAT:
            self._last_beat = now
            with suppress(OSError):
                self._heartbeat.touch()

    def _begin(self, claim: Claim, webhook: Webhook | None) -> None:
        task = asyncio.create_task(self._deliver(claim, webhook))
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()):
            # The lease brings the delivery back; what it was that failed must be known.
            logger.error("webhook not settled", extra={"error": type(error).__name__})

    async def _deliver(self, claim: Claim, webhook: Webhook | None) -> None:
        attempt = await self._attempt(claim, webhook)
        wait = wait_after(claim.tries + 1, asked_for=attempt.retry_after)
        if attempt.is_gone or claim.delivery_id.startswith(TRIAL) or self._wants_nothing(claim.key_id):
            wait = None
        settlement = Settlement(claim, attempt, webhook.fingerprint if webhook else "", wait)
        _log(settlement)
        if await self._settling.hand(settlement):
            logger.error("webhook disabled", extra={"key": claim.key_id, "status": attempt.status})

    async def _attempt(self, claim: Claim, webhook: Webhook | None) -> Attempt:
        if webhook is None:
            return Attempt(time.time(), 0.0, error="the key has no webhook")
        at = int(time.time())
        secrets = webhook.signing(datetime.now(UTC))
        headers = signature_headers(claim.delivery_id, claim.body, secrets, at=at)
        return await self._poster.post(webhook.url, claim.body, headers)

    def _event(self, entry: str, fields: Mapping[bytes, bytes]) -> Event | None:
        """Return the event of an entry, None where nobody is to be told."""
        try:
            event = Event.of(entry, fields)
        except Unreadable as error:
            logger.error("end unreadable", extra={"entry": entry, "error": str(error)})  # noqa: TRY400 (its text is all)
            return None
        key = self._keyring.get(event.key_id)
        if key is None:
            # No key is ever taken out of the file, so this is another file: the delivery waits for the right
            # one.
            logger.warning("key unknown", extra={"key": event.key_id, "delivery": event.delivery_id})
            return event
        webhook = None if key.revoked_at else key.webhook
        return event if webhook and event.is_wanted_by(webhook) else None

    def _webhook(self, key_id: str) -> Webhook | None:
        key = self._keyring.get(key_id)
        return key.webhook if key and not key.revoked_at else None

    def _wants_nothing(self, key_id: str) -> bool:
        """Whether the key's holder is told nothing any more, so that there is no use in trying again."""
        key = self._keyring.get(key_id)
        return key is not None and (key.revoked_at is not None or key.webhook is None)

    async def _forever(self, turn: Callable[[], Any]) -> None:
        while not self._stopping.is_set():
            try:
                await turn()
            except (RedisError, OSError) as error:
                logger.warning("redis away", extra={"error": type(error).__name__})
                await asyncio.sleep(_REST)

    async def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: function(*args, **kwargs)
        )


def _log(settlement: Settlement) -> None:
    claim, attempt = settlement.claim, settlement.attempt
    facts: dict[str, object] = {
        "delivery": claim.delivery_id,
        "key": claim.key_id,
        "attempt": claim.tries + 1,
        "status": attempt.status,
        "ms": round(attempt.seconds * 1000, 1),
    }
    if attempt.is_delivered:
        logger.info("webhook delivered", extra=facts)
        return
    facts["error"] = attempt.error
    facts["again_in"] = None if settlement.wait is None else round(settlement.wait, 1)
    logger.warning("webhook failed", extra=facts)

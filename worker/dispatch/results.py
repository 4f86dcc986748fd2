"""Writing the outcomes of mails into Celery's result backend, many in one round trip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import states
from celery.backends.redis import RedisBackend

from tasks.delivery.job import PutBack, Settled
from tasks.send_email import RETRYING, Report, progress_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from celery import Celery

    from worker.dispatch.items import Outcome


class ResultWriter:
    """
    Stores results as Celery does, under the keys and in the form that `AsyncResult` reads.

    With a Redis backend and *together* all of them go in one pipeline. Celery itself reads each result before
    it writes it, lest a second run of a task overwrites a success; here the journal has seen to that.
    """

    def __init__(self, app: Celery, *, together: bool) -> None:
        self._app = app
        self._together = together

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """
        Store what there is to store.

        Raises:
            Exception: whatever the backend raises when it cannot be reached; writing again does no harm.
        """
        backend: Any = self._app.backend
        if self._together and isinstance(backend, RedisBackend):
            self._write_together(backend, outcomes)
            return
        for outcome, (state, result) in _stored(outcomes):
            if isinstance(outcome.verdict, Settled) and outcome.verdict.is_resent:
                # Celery keeps the first success, whatever comes.
                backend.forget(outcome.errand.request.id)
            request: Any = outcome.errand.request
            backend.store_result(request.id, result, state, request=request._context)  # noqa: SLF001 (Celery's own)

    def _write_together(self, backend: Any, outcomes: Sequence[Outcome]) -> None:
        pipeline = backend.client.pipeline(transaction=False)
        for outcome, (state, result) in _stored(outcomes):
            mail_id = outcome.errand.request.id
            meta = backend._get_result_meta(result, state, None, None)  # noqa: SLF001 (Celery's own form)
            value = backend.encode({**meta, "task_id": mail_id})
            key = backend.get_key_for_task(mail_id)
            if backend.expires:
                pipeline.set(key, value, ex=backend.expires)
            else:
                pipeline.set(key, value)
            pipeline.publish(key, value)
        pipeline.execute()


def _stored(outcomes: Sequence[Outcome]) -> Iterator[tuple[Outcome, tuple[str, Any]]]:
    for outcome in outcomes:
        match outcome.verdict:
            case Settled(result):
                yield outcome, (states.SUCCESS, Report(result).__json__())
            case PutBack():
                yield outcome, (RETRYING, progress_of(outcome.verdict))

"""The steps by which a mail is made ready, taken by all mails of a run together."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, TypeAlias

from tasks.contract.errors import InvalidInput
from tasks.delivery.bugs import internal_failure, log_bug
from tasks.failures import Failure, PermanentFailure, Reply, TransientFailure
from tasks.loops import offload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.delivery.mail import Mail
    from tasks.delivery.retry import RetryPolicy

#: What may block: reading files, for one.
Work: TypeAlias = Callable[[], Any]

#: Returns what such work returned, or raises what it raised.
Done: TypeAlias = Callable[[], Any]


class Steps:
    """
    A *mail* on its way through its *steps*; *work* is what must be done before it can go on.

    What goes wrong at a step decides about the mail, and about no other.
    """

    __slots__ = ("_done", "_mail", "_steps", "work")

    def __init__(self, mail: Mail, steps: Generator[Work | None, Done | None, None]) -> None:
        self._mail = mail
        self._steps = steps
        self._done: Done | None = None
        self.work: Work | None = None

    def go_on(self, policy: RetryPolicy) -> bool:
        """Take the next step, and say whether any is left; what fails for now is put off by *policy*."""
        mail = self._mail
        try:
            self.work = self._steps.send(self._done)
        except StopIteration:
            return False
        except InvalidInput as invalid:
            mail.settle(PermanentFailure(Reply(invalid.code, str(invalid))))
        except TransientFailure as failure:
            mail.put_off(failure, policy)
        except Failure as failure:
            mail.settle(failure)
        except BaseException as error:  # noqa: BLE001 (whatever it is must fail this mail only, as a result)
            log_bug(error, mail.job.mail_id)
            mail.settle(internal_failure())
        else:
            return True
        return False

    def do(self) -> None:
        """Do the work."""
        if self.work:
            self._done = _tried(self.work)


def work_off(waiting: Sequence[Steps]) -> None:
    """Do the work of all who wait for some, in one go and where it holds up nobody else."""

    def do() -> None:
        for steps in waiting:
            steps.do()

    if waiting:
        offload(do)


def _tried(work: Work) -> Done:
    try:
        value = work()
    except BaseException as error:  # noqa: BLE001 (it is raised where the mail goes on)
        return _raising(error)
    return lambda: value


def _raising(error: BaseException) -> Done:
    def done() -> Any:
        raise error

    return done

"""A directory in any database that SQLAlchemy reaches, by a statement of the operator's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

import sqlalchemy
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tasks.password_reset.adapters.rows import REQUIRED, user_of
from tasks.password_reset.ports import NOBODY, Unreachable, Unusable

if TYPE_CHECKING:
    from pydantic import SecretStr

    from tasks.password_reset.ports import User

_PARAMETER: Final = "identifier"


class SqlDirectory:
    """
    Users from the database *dsn* (a SQLAlchemy URL), found by *statement*.

    The statement is a SELECT with the parameter `:identifier`; its columns are those of `rows.COLUMNS`, by
    alias where the table has other names. More than one row for an identifier means nobody: whose link it
    would be is not known. Connections are kept, and tried before they are used.

    Raises:
        ValueError: the URL, its driver or the statement cannot be used; the URL is not repeated.
    """

    def __init__(self, dsn: SecretStr, statement: str) -> None:
        if f":{_PARAMETER}" not in statement:
            raise ValueError(f"the statement must find the user by :{_PARAMETER}")
        self._statement = sqlalchemy.text(statement)
        try:
            self._engine = sqlalchemy.create_engine(
                dsn.get_secret_value(), pool_pre_ping=True, pool_recycle=300, hide_parameters=True
            )
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            what = str(error) if isinstance(error, ImportError) else "is no URL that SQLAlchemy knows"
            raise ValueError(f"the database's URL: {what}") from None

    def lookup(self, identifier: str, *, timeout: float) -> User | None:  # noqa: ARG002 - the driver's, in the URL
        """
        Return the one user that the statement finds.

        Raises:
            Unreachable: the database cannot be asked, or the statement fails.
        """
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(self._statement, {_PARAMETER: identifier}).mappings().fetchmany(2)
        except (OperationalError, PoolTimeout, SQLAlchemyError):
            raise Unreachable from None
        if len(rows) != 1:
            return None
        missing = [column for column in REQUIRED if column not in rows[0]]
        if missing:
            raise LookupError(f"the statement selects no column {' and no column '.join(missing)}")
        return user_of(dict(rows[0]))

    def probe(self, *, timeout: float) -> str:  # noqa: ARG002 - the driver's, in the URL
        """
        Connect, and have the statement find somebody who does not exist.

        Raises:
            Unusable: the database cannot be reached, or does not do what the statement says.
        """
        try:
            connection = self._engine.connect()
        except SQLAlchemyError as error:
            remedy = "start it, or correct host, user or password in POSTROOM_RESETS__DATABASE_URL"
            raise Unusable(f"no connection: {self._words(error)}", remedy, is_certain=False) from None
        with connection:
            try:
                columns = list(connection.execute(self._statement, {_PARAMETER: NOBODY}).keys())
            except SQLAlchemyError as error:
                _complain(f"the statement fails: {self._words(error)}")
        missing = [column for column in REQUIRED if column not in columns]
        if missing:
            _complain(f"the statement selects no column {' and no column '.join(missing)}")
        return "answers"

    def _words(self, error: SQLAlchemyError) -> str:
        """Return what the driver says, in one line and without the password."""
        words = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
        password = self._engine.url.password
        return words.replace(password, "***") if password else words


def _complain(found: str) -> NoReturn:
    remedy = "correct POSTROOM_RESETS__DATABASE_STATEMENT: SELECT login AS user, mail AS email FROM …"
    raise Unusable(found, remedy)

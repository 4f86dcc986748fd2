"""A directory in any database that SQLAlchemy reaches, by a statement of the operator's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tasks.password_reset.adapters.rows import REQUIRED, user_of
from tasks.password_reset.ports import Unreachable

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

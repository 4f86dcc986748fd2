"""A directory and an issuer behind HTTP: an identity provider, or a small service in front of one."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from tasks.password_reset.adapters.asking import Asker, NoAnswer, check_address
from tasks.password_reset.adapters.rows import REQUIRED, user_of
from tasks.password_reset.ports import NOBODY, Unreachable, Unusable

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.password_reset.adapters.asking import Answer
    from tasks.password_reset.ports import User

_FORBIDDEN: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_TTL: Final = 3600


class Endpoint:
    """
    Where something is asked for with a JSON object, and a bearer token read anew from *token_file* each time.

    Raises:
        ValueError: *url* is no https:// address (http is for this machine only).
    """

    def __init__(self, url: str, token_file: Path | None = None, *, asker: Asker | None = None) -> None:
        self._url = check_address(url, "the endpoint")
        self._token_file = token_file
        self._asker = asker or Asker()

    def ask(self, question: dict[str, Any], *, timeout: float) -> dict[str, Any] | None:
        """
        Return the answer, None for 404, within *timeout* seconds however slowly it comes.

        Raises:
            Unreachable: no whole answer came, or one that is neither 200 with an object nor 404.
        """
        answer = self._exchange(question, timeout)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        found = answer.document() if answer.status == HTTPStatus.OK else None
        if not isinstance(found, dict):
            raise Unreachable
        return found

    def probe(self, question: dict[str, Any], setting: str, *, timeout: float) -> dict[str, Any] | None:
        """
        Ask as `ask` does, and say what is wrong where no usable answer comes.

        Raises:
            Unusable: with the *setting* that names the address, or the one of the token.
        """
        try:
            answer = self._exchange(question, timeout)
        except NoAnswer as none:
            found = f"no answer: {none.why}"
            raise Unusable(found, f"start it, or correct {setting}", is_certain=False) from None
        if answer.status == HTTPStatus.OK:
            return _object(answer, setting)
        raise_for_status(answer, setting)
        return None

    def _exchange(self, question: dict[str, Any], timeout: float) -> Answer:
        try:
            headers = self._headers()
        except (OSError, UnicodeDecodeError):
            raise NoAnswer("the file of POSTROOM_RESETS__TOKEN_FILE cannot be read") from None
        return self._asker.ask("POST", self._url, json=question, headers=headers, timeout=timeout)

    def _headers(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        token = self._token_file.read_text(encoding="utf-8").split("\n", 1)[0].strip()
        return {"Authorization": f"Bearer {token}"}


class HttpDirectory:
    """
    Users from an endpoint that is posted `{"identifier": …}`.

    It answers 200 with an object that has the columns of `rows.COLUMNS`, or 404 where there is nobody.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def lookup(self, identifier: str, *, timeout: float) -> User | None:
        """
        Return the user.

        Raises:
            Unreachable: the endpoint gave no usable answer in time.
        """
        found = self._endpoint.ask({"identifier": identifier}, timeout=timeout)
        if found is None:
            return None
        if any(name not in found for name in REQUIRED):
            raise Unreachable
        return user_of(found)

    def probe(self, *, timeout: float) -> str:
        """
        Ask for somebody who does not exist.

        Raises:
            Unusable: the endpoint cannot be used.
        """
        setting = "POSTROOM_RESETS__DIRECTORY_URL"
        found = self._endpoint.probe({"identifier": NOBODY}, setting, timeout=timeout)
        missing = [name for name in REQUIRED if found is not None and name not in found]
        if missing:
            problem = f"its answer has no {' and no '.join(missing)}"
            raise Unusable(problem, "let it answer 404 for nobody, else with user and email")
        return "answers"


class HttpIssuer:
    """Links from an endpoint that is posted `{"user": …, "ttl": …}` and answers 200 with `{"link": …}`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def issue(self, user: User, ttl: int, *, timeout: float) -> SecretStr:
        """
        Return the link.

        Raises:
            Unreachable: the endpoint gave no link in time.
        """
        found = self._endpoint.ask({"user": user.reference, "ttl": ttl}, timeout=timeout)
        link = found.get("link") if found else None
        if not isinstance(link, str):
            raise Unreachable
        return SecretStr(link)

    def probe(self, *, timeout: float) -> str:
        """
        Ask for a link of somebody who does not exist.

        Raises:
            Unusable: the endpoint cannot be used.
        """
        question = {"user": NOBODY, "ttl": _TTL}
        found = self._endpoint.probe(question, "POSTROOM_RESETS__ISSUER_URL", timeout=timeout)
        if found is not None and not isinstance(found.get("link"), str):
            raise Unusable("its answer has no link", 'let it answer {"link": "https://…"}')
        return "answers"


def raise_for_status(answer: Answer, setting: str) -> None:
    """
    Say what is wrong where *answer* is neither the one for nobody nor a passing trouble.

    Raises:
        Unusable: with what mends it.
    """
    status = answer.status
    if status == HTTPStatus.NOT_FOUND and answer.is_json:
        return
    if status in _FORBIDDEN:
        remedy = "put the token that it takes into the file of POSTROOM_RESETS__TOKEN_FILE"
        raise Unusable(f"it does not take the token ({status})", remedy)
    if status == HTTPStatus.NOT_FOUND:
        remedy = f"correct {setting}; for nobody, it should answer 404 with a JSON object"
        raise Unusable("it answers 404, but with no JSON: the address may be wrong", remedy, is_certain=False)
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unusable(f"it answers {status}{_why(answer)}", f"correct {setting}")
    raise Unusable(f"it answers {status}", "look into its log", is_certain=False)


def _why(answer: Answer) -> str:
    """Return what an endpoint says of the refusal, where it says so in the usual way."""
    try:
        document = answer.document()
    except NoAnswer:
        return ""
    told = document.get("error") if isinstance(document, dict) else None
    return f": {told[:200]}" if isinstance(told, str) and told.isprintable() else ""


def _object(answer: Answer, setting: str) -> dict[str, Any]:
    try:
        found = answer.document()
    except NoAnswer:
        found = None
    if isinstance(found, dict):
        return found
    raise Unusable("it answers with something that is no JSON object", f"correct {setting}")

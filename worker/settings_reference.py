"""
The reference of all settings, written from the settings themselves.

`python -m worker.settings_reference docs/reference` writes the published page anew.
"""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr

from tasks.contract.addresses import Mailbox
from tasks.contract.security import Security
from tasks.contract.trust import Trust
from tasks.delivery.accounts import Account
from tasks.delivery.oauth import OAuth
from worker.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_PREFIX: Final = "POSTROOM_"
_ACCOUNT: Final = "POSTROOM_ACCOUNTS__<name>__"

_HEAD: Final = """\
<!-- Written by `make schema` from worker/settings.py and tasks/delivery/accounts.py; do not edit. -->
# Settings

The worker reads each setting from the first of these places that has it:

1. the environment;
2. `.env` in the working directory;
3. a file named after the setting, in `/run/secrets` or the folder that `POSTROOM_SECRETS_FOLDER` names;
4. `postroom.toml` in the working directory, or the TOML file that `POSTROOM_CONFIG` names.

Upper and lower case make no difference in a variable's name, and accounts have their names in lower case.
An empty variable counts as not set.
Lists have `;` between their entries.
In TOML they are arrays, and the names are those of the tables below, in lower case without the prefix:

```toml
concurrency = 4

[accounts.default]
host = "smtp.example.com"
user_name = "postroom@example.com"
password_file = "/run/secrets/smtp_password"
```

A worker whose settings cannot be used does not start, and says for each wrong one what is expected.
[.env.example](../../.env.example) has all of them to be copied.
Flower's login is described in [Watch Postroom with Flower](../howto/monitoring-with-flower.md).

"""

#: What the fields do not say by themselves.
ABOUT: Final[Mapping[type[BaseModel], Mapping[str, str]]] = {
    Settings: {
        "log_level": "The least serious lines that are logged.",
        "log_format": "JSON for machines, or lines for people.",
    },
    Account: {
        "preset": "Server, port, security and OAuth endpoints of a big provider.",
        "host": "The mail server: a bare name or an IP address.",
        "security": "`TLS` requires STARTTLS, `SSL` is TLS from the first byte, `none` is neither.",
        "user_name": "Who logs in; also picks the account for messages that name a user.",
        "password": "The password. A file does not show it to whoever may inspect the process.",
        "password_file": "A file whose first line is the password, read anew at each login.",
        "password_command": "A command whose first line of output is the password; run without a shell.",
        "oauth": "OAuth tokens in the place of a password: see the table below.",
        "authentication": "Whether to log in where there is a password.",
        "mechanism": "How to log in; `AUTO` takes the best that both sides know.",
        "sender": "From of messages that name no sender; else the user name, where that is an address.",
        "trust": "Which certificates are accepted beside the system's, as `smtp_ssl_trust` of the contract.",
        "client_certificate": "The worker's own certificate (PEM), for servers that ask for one.",
        "client_key": "Its key (PEM), where the certificate's file does not hold it.",
        "local_hostname": "What the worker calls itself in EHLO.",
        "on_unknown": "What follows where the final dot got no answer; a message may choose otherwise.",
        "allow_plaintext_auth": "Whether the password may go unprotected to a server beyond this machine.",
        "allow_unverified_tls": "Whether messages may name hosts whose certificates are not verified.",
        "allowed_senders": "Whom mail may come from: addresses, `@domain` or `*`; else the sender's domain.",
        "allowed_hosts": "Other servers that messages may name, without the password: `host` or `host:port`.",
        "allowed_recipient_domains": "The only domains that mail may go to; else all.",
        "blocked_recipient_domains": "Domains that mail never goes to.",
    },
    OAuth: {
        "token": "An access token that never changes; for trying things out.",
        "token_file": "A file whose first line is the token, which somebody else renews.",
        "token_command": "A command whose first line of output is the token; run without a shell.",
        "token_url": "The provider's token endpoint.",
        "tenant": "Fills `{tenant}` in the token endpoint: the directory's id or domain.",
        "client_id": "The id of the client that is registered with the provider.",
        "client_secret": "The client's secret.",
        "client_secret_file": "A file whose first line is the client's secret.",
        "refresh_token": "A user's refresh token; without one, the client asks for itself.",
        "refresh_token_file": "A file whose first line is the refresh token.",
        "scope": "What the token is for, in the provider's words.",
    },
}

_KINDS: Final[dict[object, str]] = {
    str: "text",
    OAuth: "a group of settings",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    Path: "path",
    SecretStr: "text, hidden",
    Mailbox: "address",
    Trust: "text",
    Security: "`TLS`, `SSL` or `none`",
}


def page() -> str:
    """Return the reference as Markdown."""
    return _HEAD + "\n".join(
        [
            "## The worker\n",
            *_table(Settings, _PREFIX, leave_out={"accounts"}),
            "\n## Accounts\n",
            "Each account has a name; `default` serves messages that name none, unless set otherwise.\n",
            *_table(Account, _ACCOUNT, leave_out={"name"}),
            "\n## OAuth of an account\n",
            "Needed are a token, a file or a command for it, or an endpoint with what it asks for.\n",
            *_table(OAuth, _ACCOUNT + "OAUTH__", leave_out=set()),
            "",
        ]
    )


def write(folder: Path) -> Path:
    """Write the reference into *folder* and return the file."""
    file = folder / "settings.md"
    file.write_text(page(), encoding="utf-8")
    return file


def _table(model: type[BaseModel], prefix: str, *, leave_out: set[str]) -> Iterator[str]:
    yield "| setting | value | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        if name not in leave_out:
            cells = (_name(prefix, name, field), _value(field), _default(field), about(model, name))
            yield "| " + " | ".join(cells) + " |"


def _name(prefix: str, name: str, field: FieldInfo) -> str:
    choices = getattr(field.validation_alias, "choices", None) or [prefix + name.upper()]
    return ", else ".join(f"`{choice}`" for choice in choices)


def about(model: type[BaseModel], name: str) -> str:
    """
    Return the sentence that tells what the field *name* is for.

    Raises:
        KeyError: nobody has written one.
    """
    description = model.model_fields[name].description
    return ABOUT[model][name] if description is None else description.replace("<", "\\<")


def _value(field: FieldInfo) -> str:
    low = [f"≥ {bound.ge:g}" for bound in field.metadata if isinstance(bound, Ge)]
    low += [f"> {bound.gt:g}" for bound in field.metadata if isinstance(bound, Gt)]
    high = [f"≤ {bound.le:g}" for bound in field.metadata if isinstance(bound, Le)]
    return ", ".join([kind(field.annotation), *low, *high])


def kind(annotation: Any) -> str:
    """
    Return what a value of the type *annotation* looks like, in words.

    Raises:
        KeyError: there is no word for it yet.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return kind(arguments[0])
    if origin in {Union, UnionType}:
        return " or ".join(kind(argument) for argument in arguments if argument is not NoneType)
    if origin is Literal:
        return _choice(arguments)
    if origin is tuple:
        return f"list of {kind(arguments[0])}s" if arguments[0] is Path else "list of names"
    if annotation not in _KINDS and isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice(member.value for member in annotation)
    return _KINDS[annotation]


def _choice(values: Any) -> str:
    *others, last = (f"`{value}`" for value in values)
    return f"{', '.join(others)} or {last}" if others else last


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value in {"", ()}:
        return ""
    if isinstance(value, Security):
        return f"`{value.value}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    write(Path(*sys.argv[1:]))

"""What the reference of settings says in words: its introduction, and what fields do not say themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.delivery.accounts import Account
from tasks.delivery.oauth import OAuth
from worker.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

#: What stands before the tables.
HEAD: Final = """\
<!-- Written by `make schema` from worker/settings.py and tasks/delivery/accounts.py; do not edit. -->
# Settings

The worker reads each setting from the first of these places that has it:

1. the environment;
2. `.env` in the working directory;
3. a file named after the setting, in `/run/secrets` or the folder that `POSTROOM_SECRETS_FOLDER` names;
4. `postroom.toml` in the working directory, or the TOML file that `POSTROOM_CONFIG` names.

Upper and lower case make no difference in a variable's name, and accounts have their names in lower case.
An empty variable counts as not set.
Lists have `;` between their entries; commands are split into words as a shell does it.
In TOML both are arrays, and the names are those of the tables below, in lower case without the prefix:

```toml
concurrency = 4

[accounts.default]
host = "smtp.example.com"
user_name = "postroom@example.com"
password_file = "/run/secrets/smtp_password"
```

A worker whose settings cannot be used does not start, and says for each wrong one what is expected.
[.env.example](../../.env.example) has all of them to be copied.
How many [processes](../howto/deployment.md#several-processes) there are is said by the environment alone.
Flower's login is described in [Watch Postroom with Flower](../howto/monitoring-with-flower.md).

"""

#: By model and field.
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
        "refresh_token_file": "A file whose first line is the refresh token; a renewed one is written there.",
        "scope": "What the token is for, in the provider's words.",
    },
}

"""What an operator says of password resets."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class ResetSettings(BaseModel):
    """Password resets: who the users are, who issues the links, and in whose name the mails are."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    directory: str = Field(
        default="",
        description="Who knows the users: csv, sql, http, keycloak or package.module:Class; resets need one.",
    )
    directory_file: Path | None = Field(default=None, description="The file of the csv directory.")
    database_url: SecretStr | None = Field(
        default=None, description="The database of the sql directory, as SQLAlchemy writes it."
    )
    database_statement: str = Field(
        default="",
        description="The SELECT that finds the user by :identifier, with the columns user and email.",
    )
    directory_url: str = Field(
        default="", description="The endpoint of the http directory, which is posted the identifier."
    )
    token_file: Path | None = Field(
        default=None, description="A file with the bearer token for http endpoints, read anew each time."
    )
    ca_file: Path | None = Field(
        default=None,
        description="A file with the authorities (PEM) that http endpoints and Keycloak are vouched for by.",
    )
    keycloak_url: str = Field(
        default="", description="The server of the keycloak directory, such as https://sso.example.org."
    )
    keycloak_realm: str = Field(default="", description="The realm that has the users.")
    keycloak_client_id: str = Field(
        default="", description="The client whose service account may view the users."
    )
    keycloak_client_secret: SecretStr | None = Field(default=None, description="That client's secret.")
    keycloak_client_secret_file: Path | None = Field(
        default=None, description="A file whose first line is that secret, read anew for each token."
    )
    issuer: str = Field(
        default="signed", description="Who issues the links: signed, http, or package.module:Class."
    )
    issuer_url: str = Field(
        default="", description="The endpoint of the http issuer, which is posted user and ttl."
    )
    link_base: str = Field(
        default="", description="What signed links begin with, such as https://accounts.example.org/reset."
    )
    link_secret: SecretStr | None = Field(
        default=None, description="What signed links are signed with: at least 32 characters."
    )
    link_secret_file: Path | None = Field(
        default=None, description="A file whose first line is that secret, read when the worker starts."
    )
    templates: Path | None = Field(
        default=None, description="A folder with templates of your own, laid out as the shipped ones."
    )
    product: str = Field(default="", description="What the accounts belong to, as mails call it.")
    support: str = Field(default="", description="Where users ask for help, as mails name it.")
    actor_domain: str = Field(
        default="",
        description="Where actors get mail of their resets that failed, such as example.org; else none do.",
    )
    actor_locale: str = Field(default="en", description="The language of these mails.")
    answers_strangers: bool = Field(
        default=False, description="Whether an address without an account gets a mail that says so."
    )
    answers_inactive: bool = Field(
        default=True, description="Whether a user whose account cannot be reset gets a mail that says so."
    )

    @property
    def is_used(self) -> bool:
        """Whether this worker is to send password resets."""
        return bool(self.directory)

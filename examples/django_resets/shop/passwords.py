"""Django's pages for forgotten passwords, with Postroom sending the mails."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from django import forms
from django.conf import settings
from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetView

if TYPE_CHECKING:
    from django.http import HttpResponse

_PATIENCE = 5.0

logger = logging.getLogger(__name__)


def ask_postroom(what: str, **asked: Any) -> None:
    """
    Ask the gateway for one of its password resets.

    Raises:
        OSError: it does not answer, or refuses.
    """
    request = Request(  # noqa: S310 - the address is a setting
        f"{settings.POSTROOM_GATEWAY}/v1/password-resets/{what}",
        json.dumps(asked).encode(),
        {
            "Authorization": f"Bearer {Path(settings.POSTROOM_KEY_FILE).read_text().strip()}",
            "Content-Type": "application/json",
        },
    )
    with urlopen(request, timeout=_PATIENCE):  # noqa: S310 - as above
        pass


class ForgotForm(forms.Form):
    """An address or a user name, as it was typed."""

    email = forms.CharField(label="Email address or user name", max_length=320)


class ForgotView(PasswordResetView):
    """Django's page with another form: it neither looks anybody up nor sends anything by itself."""

    form_class = ForgotForm

    def form_valid(self, form: ForgotForm) -> HttpResponse:
        """Hand the request over, and show Django's page "we have emailed you"."""
        try:
            ask_postroom("requests", user=form.cleaned_data["email"], source=self.request.META["REMOTE_ADDR"])
        except OSError:
            form.add_error(None, "This does not work now; please try again in a few minutes.")
            return self.form_invalid(form)
        return super(PasswordResetView, self).form_valid(form)


class ChosenView(PasswordResetConfirmView):
    """Django's page for the new password, after which the user is told of the change."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Set the password; that it is set does not hang on the mail."""
        answer = super().form_valid(form)
        try:
            ask_postroom("completed", user=self.user.get_username())
        except OSError:
            logger.warning("a user was not told that their password was changed")
        return answer

"""The form "forgot your password?": Postroom takes the request in, whoever asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from django import forms
from django.conf import settings
from django.contrib.auth.views import PasswordResetView

if TYPE_CHECKING:
    from django.http import HttpResponse

_PATIENCE = 5.0


class ForgotForm(forms.Form):
    """An address or a user name, as it was typed."""

    email = forms.CharField(label="Email address or user name", max_length=320)


class ForgotView(PasswordResetView):
    """Django's page with another form: it neither looks anybody up nor sends anything by itself."""

    form_class = ForgotForm

    def form_valid(self, form: ForgotForm) -> HttpResponse:
        """Hand the request over, and show Django's page "we have emailed you"."""
        asked = {"user": form.cleaned_data["email"], "source": self.request.META["REMOTE_ADDR"]}
        request = Request(  # noqa: S310 - the address is a setting
            settings.POSTROOM_GATEWAY + "/v1/password-resets/requests",
            json.dumps(asked).encode(),
            {
                "Authorization": f"Bearer {Path(settings.POSTROOM_KEY_FILE).read_text().strip()}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urlopen(request, timeout=_PATIENCE):  # noqa: S310 - as above
                pass
        except OSError:
            form.add_error(None, "This does not work now; please try again in a few minutes.")
            return self.form_invalid(form)
        return super(PasswordResetView, self).form_valid(form)

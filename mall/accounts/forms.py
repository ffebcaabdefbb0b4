"""Forms of the account's pages."""

from __future__ import annotations

from typing import Any

from allauth.core import ratelimit
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from cart.checkout.forms import ContactForm
from mall.accounts.models import User


class NameForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Edit the name of the account."""

    class Meta:
        model = User
        fields = ("name",)
        labels = {"name": gettext_lazy("Your name")}
        help_texts = {"name": gettext_lazy("As the mall and its shops address you. Each parcel has a name of its own.")}
        widgets = {"name": forms.TextInput({"autocomplete": "name"})}


class AddressForm(ContactForm):
    """Edit an entry of the address book, by the checkout's rules for an address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, has_book=False, **kwargs)
        del self.fields["email"]


class FindOrderForm(forms.Form):
    """Take an order's number and e-mail address."""

    number = forms.CharField(
        label=gettext_lazy("Order number"),
        max_length=20,
        help_text=gettext_lazy("It is in each letter about the order, like M-7K3Q-29."),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Enter the number of the order.")},
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        help_text=gettext_lazy("The address that you gave with the order."),
        widget=forms.EmailInput({"autocomplete": "email"}),
        error_messages={
            "required": gettext_lazy("Enter the address of the order."),
            "invalid": gettext_lazy("Write it like name@example.org."),
        },
    )

    def clean_number(self) -> str:
        """Return the number as it is kept."""
        number: str = self.cleaned_data["number"]
        return number.strip().upper()


class PasswordForm(forms.Form):
    """Ask for the password of the signed-in person once more."""

    password = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={"required": gettext_lazy("Enter your password.")},
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_password(self) -> str:
        """Refuse a wrong password, and any after too many tries."""
        password: str = self.cleaned_data["password"]
        user: Any = self.request.user
        if not ratelimit.consume(self.request, action="reauthenticate", user=user):
            raise forms.ValidationError(gettext_lazy("Too many tries. Wait a minute, then try again."))
        if not user.check_password(password):
            raise forms.ValidationError(gettext_lazy("This is not your password."))
        return password

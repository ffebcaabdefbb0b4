"""The choice of a country: what Django's own widget draws, without templates for each country."""

import pytest
from django import forms
from django.test.signals import template_rendered
from django_countries.fields import CountryField
from pytest_django.asserts import assertHTMLEqual

from cart.country_select import CountrySelect


class Ours(forms.Form):
    country = CountryField().formfield(widget=CountrySelect(), help_text="Where it goes.")


class Djangos(forms.Form):
    country = CountryField().formfield(
        widget=forms.Select(attrs={"autocomplete": "country"}), help_text="Where it goes."
    )


@pytest.mark.parametrize("data", [None, {}, {"country": "IE"}, {"country": "XX"}, {"country": '"><script>'}])
@pytest.mark.parametrize("disabled", [False, True])
def test_it_draws_what_djangos_draws(data, disabled):
    drawn = []
    for form in (Ours(data, initial={"country": "GB"}), Djangos(data, initial={"country": "GB"})):
        form.fields["country"].disabled = disabled
        drawn.append(str(form["country"]))
    assertHTMLEqual(*drawn)
    assert "<script>" not in drawn[0]


def test_it_renders_no_template_for_a_country():
    rendered = []
    note = lambda template, **_: rendered.append(template.name)  # noqa: E731 -- a signal keeps only a weak reference
    template_rendered.connect(note)
    try:
        str(Ours()["country"])
        assert rendered == []
        str(Djangos()["country"])
        assert len(rendered) > 200, "the control"
    finally:
        template_rendered.disconnect(note)

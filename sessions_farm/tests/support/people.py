"""People for tests, whatever the project's user model calls them by."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model


def make_user(email: str = "anna@example.org", **fields: Any) -> Any:
    model = get_user_model()
    name = {} if model.USERNAME_FIELD == "email" else {model.USERNAME_FIELD: email}
    return model.objects.create_user(email=email, password="mall-demo", **name, **fields)

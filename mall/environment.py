"""Values of the environment, where a secret may be a file: NAME_FILE=/run/secrets/name."""

from __future__ import annotations

import environ
from environ.fileaware_mapping import FileAwareMapping


class _Files(FileAwareMapping):  # type: ignore[misc]  # the package has no types
    """Values without the white space around them: editors and ``echo`` end a secret's file with a line break."""

    def __getitem__(self, key: str) -> str:
        value: str = super().__getitem__(key)
        return value.strip() if self.env.get(f"{key}_FILE") else value


class Env(environ.Env):  # type: ignore[misc]  # as above
    """django-environ's reader of variables and of the files that variables name."""

    ENVIRON = _Files()

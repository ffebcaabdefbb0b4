"""Sessions for farms of Django nodes.

``sessions_farm`` is the session engine; ``sessions_farm.communities``, an app of its own, carries visitors over domains.

Public: ``session.session.SessionStore``, ``session.queries``, ``session.changes``, ``session.scopes``, ``signals``,
``web.decorators``, ``web.middleware``, ``web.asgi``, ``session.sweeper.sweep``, ``stores.protocol``, ``testing``.

Exceptions::

    Exception
    ├── stores.base.StoreError
    │   ├── StoreUnavailableError          the store does not answer
    │   └── StoreRefusedError
    │       ├── SessionEndedError          rotated, merged, logged out or deleted
    │       ├── SessionMissingError        no live session under the key
    │       ├── KeyTakenError              a live session stands there, or a code
    │       ├── ConflictError              the variable has another value by now
    │       └── LeaseLostError             the lock has ended or is another's
    ├── session.locks.LockTimeoutError     another request held the session for too long
    ├── session.read_only.ReadOnlySessionError (RuntimeError)
    ├── session.serializer.TooLargeError (ValueError)
    ├── session.variables.GuardedVariableError (PermissionError)
    └── web.decorators.SessionOffError (RuntimeError)
"""

__all__ = ["__version__"]
__version__ = "0.2.0"

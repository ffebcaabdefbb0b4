"""Sessions for farms of Django nodes.

``sessions_farm`` is the session engine; ``sessions_farm.communities``, an app of its own, carries visitors over
domains.

Public: ``session.session.SessionStore``, ``session.queries``, ``session.changes``, ``session.scopes``, ``signals``,
``web.decorators``, ``web.middleware``, ``web.asgi``, ``session.sweeper.sweep``, ``stores.protocol``, ``testing``.

Exceptions::

    Exception
    ├── stores.base.StoreUnavailableError              the store does not answer
    ├── stores.base.StoreRefusedError                  the store refuses a change of a session
    │   ├── SessionEndedError                          rotated, merged, logged out or deleted
    │   ├── SessionMissingError                        no live session under the key
    │   ├── KeyTakenError                              a live session stands there, or a code
    │   ├── ConflictError                              the variable has another value by now
    │   └── LeaseLostError                             the lock has ended or is another's
    ├── stores.local.formats.UnreadableFileError       a file of a session is damaged
    ├── session.locks.LockTimeoutError                 another request held the session for too long
    ├── session.people.PersonLookupError (LookupError)
    ├── session.read_only.ReadOnlySessionError (RuntimeError)
    ├── session.serializer.TooLargeError (ValueError)
    ├── session.variables.GuardedVariableError (PermissionError)
    ├── testing.browser.TooManyRedirectsError          a test's browser would show this
    ├── testing.browser.BlockedByPolicyError           the page's policy forbids the form's target
    └── web.decorators.SessionOffError (RuntimeError)
"""

__all__ = ["__version__"]
__version__ = "0.4.0"

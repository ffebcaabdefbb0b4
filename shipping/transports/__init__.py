"""The transports to shipping departments: one class a module."""

"""Files pushed to a folder of the department's own server: never seen half written, never over another file."""

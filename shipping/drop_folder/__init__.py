"""The mall's own SFTP server: a folder a department, its files views of dispatches; nothing of it is on a disk."""

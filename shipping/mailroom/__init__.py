"""The mailbox of the mall's own robot: receipts, tracking numbers and bounces that come by mail."""

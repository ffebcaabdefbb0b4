"""Letters about orders: one outbox, written with the change that it reports and sent by workers."""

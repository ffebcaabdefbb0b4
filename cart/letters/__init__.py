"""Letters to shoppers about orders and goods: one outbox, written with the change it reports, sent by workers."""

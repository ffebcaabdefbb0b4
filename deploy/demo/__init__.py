"""The demo: a mall with vendors, goods and past orders, and the programs that run all of it on one machine."""

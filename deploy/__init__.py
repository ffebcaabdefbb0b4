"""The mall in use: its demo, the servers of demo, tests and benchmarks, the farm of containers, sites around it."""

"""Cases, work items, ranking, leases and the live list."""

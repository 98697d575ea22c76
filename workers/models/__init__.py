"""Model packages: our architectures, their format, their preprocessing."""

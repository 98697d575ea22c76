"""The worklist page: its windows, views and assignments."""

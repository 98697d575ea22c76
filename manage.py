#!/usr/bin/env python3
"""Django's command line."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run the command that the arguments name, in the environment's settings."""
    kind = os.environ.get("OVERREAD_ENV", "local")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"portal.settings.{kind}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

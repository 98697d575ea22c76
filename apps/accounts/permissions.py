"""What each role may do (the table itself is in `roles`, below the models)."""

from apps.accounts.roles import ROLE_PERMISSIONS as ROLE_PERMISSIONS
from apps.accounts.roles import Role as Role

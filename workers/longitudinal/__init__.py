"""A study beside an earlier one of the same patient: the same place, what changed."""

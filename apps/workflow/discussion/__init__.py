"""What people write to each other about a study, and whom they call."""

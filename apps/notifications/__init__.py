"""What people are told of, in the app and outside of it."""

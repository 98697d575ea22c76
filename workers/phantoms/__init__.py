"""Patients that never lived: images whose truth is known, plainly marked."""

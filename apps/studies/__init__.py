"""Patients, studies, revisions: who may see them, and their pixels."""

"""Run the whole of Overread on one machine, with the standard library only.

The supervisor prepares the machine (packages, environment, front end), starts
PostgreSQL, Redis, Orthanc, the portal, the workers and nginx as its own children,
keeps them alive, and stops what it started and nothing else.
"""

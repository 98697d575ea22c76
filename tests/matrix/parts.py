"""The parts of the matrix; each new app with routes adds its own."""

from tests.matrix import foundations, story

PARTS = (foundations, story)

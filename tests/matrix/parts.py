"""The parts of the matrix; each new app with routes adds its own."""

from tests.matrix import dead_letters, foundations, story

PARTS = (foundations, story, dead_letters)

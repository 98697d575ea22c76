"""The parts of the matrix; each new app with routes adds its own."""

from tests.matrix import (
    arrivals,
    critical,
    dead_letters,
    dicomweb,
    foreign,
    foundations,
    hanging,
    intake,
    lists,
    marks,
    notices,
    reporting,
    segments,
    signed,
    story,
    unaided,
)

PARTS = (
    foundations,
    story,
    dead_letters,
    arrivals,
    intake,
    lists,
    dicomweb,
    foreign,
    hanging,
    marks,
    unaided,
    critical,
    reporting,
    segments,
    signed,
    notices,
)

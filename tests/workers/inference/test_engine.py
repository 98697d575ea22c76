"""The engine: urgency, batches across studies, what fails, and too little memory."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
import torch

from workers.inference.engine import Engine, Pause, TooLargeError
from workers.inference.forward import Outputs
from workers.inference.workplace import Gate
from workers.models.package import ModelPackage

CPU = torch.device("cpu")


class Network:
    """Stands for a network: notes its batches, and fails or waits as it is told."""

    def __init__(self):
        self.batches = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.most = 1000
        self.poison = None

    def __call__(self, package, tensors):
        self.go_on.wait(20)
        values = [float(tensor) for tensor in tensors]
        self.batches.append((package.name, values))
        if len(values) > self.most:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        if self.poison in values:
            raise RuntimeError("a shape that can not be")
        column = torch.tensor(values)
        rows = column.view(-1, 1)
        return Outputs(members=rows[None], probabilities=rows, vectors=rows)


@pytest.fixture
def network():
    return Network()


@pytest.fixture
def engine(network):
    found = Engine(device=CPU, batch=4, wait_s=0.2, forward=network)
    yield found
    network.go_on.set()
    found.close()


class Study(threading.Thread):
    """Hands its images over and keeps the answer."""

    def __init__(self, engine, package, *values, priority=6, coming=None):
        super().__init__(daemon=True)
        self.engine, self.package, self.priority = engine, package, priority
        self.coming = coming
        self.tensors = [torch.tensor(float(value)) for value in values]
        self.said, self.error = None, None
        self.start()

    def run(self):
        try:
            found = self.engine.judge(
                self.package,
                self.tensors,
                priority=self.priority,
                coming=self.coming,
            )
            self.said = found.members[0, :, 0].tolist()
        except (RuntimeError, TooLargeError) as error:
            self.error = error


def held(engine, network, package):
    """Keep the engine busy with a study; what comes now has to wait."""
    network.go_on.clear()
    study = Study(engine, package, 0)
    while engine._heap or not study.is_alive():
        time.sleep(0.005)
    time.sleep(0.05)
    return study


def enter(engine, *given):
    """Hand studies over in this very order."""
    studies = []
    for package, values, priority in given:
        before = len(engine._heap)
        studies.append(Study(engine, package, *values, priority=priority))
        while len(engine._heap) == before:
            time.sleep(0.002)
    return studies


MODEL, OTHER = SimpleNamespace(name="model"), SimpleNamespace(name="other")


def test_the_urgent_goes_first_and_in_a_batch_of_its_own(engine, network):
    first = held(engine, network, MODEL)
    studies = enter(
        engine,
        (OTHER, [1], 6),
        (MODEL, [2], 6),
        (MODEL, [3], 9),
        (MODEL, [4, 5], 0),
        (OTHER, [6], 3),
        (MODEL, [7], 0),
    )
    network.go_on.set()
    for study in (first, *studies):
        study.join(10)
    assert network.batches == [
        ("model", [0.0]),
        ("model", [4.0, 5.0, 7.0]),
        ("other", [6.0, 1.0]),
        ("model", [2.0, 3.0]),
    ]
    assert [study.said for study in studies] == [[1], [2], [3], [4, 5], [6], [7]]
    assert (engine.tally.batches, engine.tally.images) == (4, 8)


def test_it_waits_a_moment_for_who_is_coming_and_not_longer(engine, network):
    with engine.coming(), engine.coming():
        first = Study(engine, MODEL, 1)
        time.sleep(0.05)
        second = Study(engine, MODEL, 2)
        began = time.monotonic()
        second.join(10)
        waited = time.monotonic() - began
    first.join(10)
    assert network.batches == [("model", [1.0, 2.0])]
    assert waited < 2.0


def test_nothing_urgent_waits_and_nobody_waits_for_nobody(network):
    engine = Engine(device=CPU, batch=4, wait_s=30.0, forward=network)
    alone = Study(engine, MODEL, 1)
    alone.join(10)
    assert alone.said == [1]
    with engine.coming():
        urgent = Study(engine, MODEL, 2, priority=0)
        urgent.join(10)
        assert urgent.said == [2]
    engine.close()


def test_a_study_that_was_said_to_come_does_not_wait_for_itself(network):
    engine = Engine(device=CPU, batch=4, wait_s=60.0, forward=network)
    with engine.coming() as coming:
        alone = Study(engine, MODEL, 1, coming=coming)
        alone.join(10)
        assert alone.said == [1]
    with engine.coming() as first, engine.coming() as second:
        waits = Study(engine, MODEL, 2, coming=first)
        while not engine._heap:
            time.sleep(0.005)
        last = Study(engine, MODEL, 3, coming=second)
        for study in (waits, last):
            study.join(10)
        assert network.batches[1:] == [("model", [2.0, 3.0])]
    assert engine._coming == 0
    engine.close()


def test_a_batch_that_fails_is_split_and_only_one_has_the_error(engine, network):
    network.poison = 2.0
    first = held(engine, network, MODEL)
    studies = enter(engine, *[(MODEL, [value], 6) for value in (1, 2, 3)])
    network.go_on.set()
    for study in (first, *studies):
        study.join(10)
    assert [study.said for study in studies] == [[1], None, [3]]
    assert str(studies[1].error) == "a shape that can not be"
    assert network.batches[1:] == [
        ("model", [1.0, 2.0, 3.0]),
        ("model", [1.0]),
        ("model", [2.0]),
        ("model", [3.0]),
    ]
    assert engine.tally.split == 1


def test_too_little_memory_is_tried_again_with_half(engine, network):
    network.most = 2
    first = held(engine, network, MODEL)
    studies = enter(engine, *[(MODEL, [value], 6) for value in (1, 2, 3, 4)])
    network.go_on.set()
    for study in (first, *studies):
        study.join(10)
    assert [study.said for study in studies] == [[1], [2], [3], [4]]
    assert [len(values) for _, values in network.batches] == [1, 4, 2, 2]
    assert engine.tally.no_memory == 1


def test_a_study_of_several_images_is_halved_too(engine, network):
    network.most = 2
    study = Study(engine, MODEL, 1, 2, 3, 4)
    study.join(10)
    assert study.said == [1, 2, 3, 4]


def test_what_is_too_large_by_itself_fails_alone(engine, network):
    network.most = 0
    study = Study(engine, MODEL, 1)
    study.join(10)
    assert isinstance(study.error, TooLargeError)
    network.most = 10
    after = Study(engine, MODEL, 2)
    after.join(10)
    assert after.said == [2]


def test_a_volume_has_the_device_for_itself(engine):
    assert engine.call(lambda: "marked", priority=0) == "marked"
    with pytest.raises(KeyError):
        engine.call(lambda: {}["nothing"])


class Blocked:
    """Stands for networks of which each image is kept until it is let go."""

    def __init__(self):
        self.begun, self.ended = [], []
        self.gates = {}

    def __call__(self, package, tensors):
        values = [float(tensor) for tensor in tensors]
        self.begun.append(values)
        for value in values:
            self.gates.setdefault(value, threading.Event()).wait(20)
        self.ended.append(values)
        column = torch.tensor(values)
        rows = column.view(-1, 1)
        return Outputs(members=rows[None], probabilities=rows)

    def let(self, *values):
        for value in values:
            self.gates.setdefault(float(value), threading.Event()).set()

    def wait(self, *batches):
        end = time.monotonic() + 20
        while self.begun != [list(map(float, batch)) for batch in batches]:
            assert time.monotonic() < end, self.begun
            time.sleep(0.005)


@pytest.fixture
def lanes():
    network = Blocked()
    engine = Engine(device=CPU, batch=2, wait_s=0.0, lanes=2, forward=network)
    yield engine, network
    network.let(*range(20))
    engine.close()


BODY = ModelPackage(card={}, module=None, package_hash="", body=lambda images: images)


def test_bodies_run_side_by_side_and_what_is_urgent_waits_for_none(lanes):
    engine, network = lanes
    first = Study(engine, BODY, 1, 2)
    network.wait([1, 2])
    second = Study(engine, BODY, 3, 4)
    network.wait([1, 2], [3, 4])
    third = Study(engine, BODY, 5)
    while not engine._heap:
        time.sleep(0.005)
    urgent = Study(engine, BODY, 6, priority=0)
    network.wait([1, 2], [3, 4], [6])
    network.let(6)
    urgent.join(10)
    assert (urgent.said, third.said) == ([6], None)
    network.let(3, 4, 5)
    for study in (second, third):
        study.join(10)
    assert (second.said, third.said, first.said) == ([3, 4], [5], None)
    network.let(1, 2)
    first.join(10)
    assert first.said == [1, 2]
    assert (engine.tally.batches, engine.tally.images) == (4, 6)


def told(condition, monkeypatch):
    """Return a list that grows whenever one is told that something changed."""
    times, notify = [], condition.notify
    monkeypatch.setattr(condition, "notify", lambda: (times.append(None), notify()))
    return times


def test_a_lane_is_woken_for_what_it_takes_and_for_nothing_else(lanes, monkeypatch):
    engine, network = lanes
    network.let(1, 2, 3, 4)
    anything, bodies, urgent = (told(e.changed, monkeypatch) for e in engine._lanes)
    with engine.coming():
        Study(engine, BODY, 1, 2).join(10)
        Study(engine, MODEL, 3, 4).join(10)
    assert (len(anything), len(bodies), len(urgent)) == (2, 1, 0)
    network.let(5)
    study = Study(engine, BODY, 5, priority=0)
    study.join(10)
    assert study.said == [5]
    assert (len(anything), len(bodies), len(urgent)) == (3, 2, 1)


def test_what_waits_for_who_is_coming_goes_when_nobody_is(network):
    engine = Engine(device=CPU, batch=8, wait_s=60.0, forward=network)
    with engine.coming():
        study = Study(engine, MODEL, 1)
        while not engine._heap:
            time.sleep(0.005)
    study.join(10)
    assert study.said == [1]
    engine.close()


def test_nothing_else_is_begun_while_something_urgent_is_in_hand():
    network = Blocked()
    engine = Engine(
        device=CPU, batch=2, wait_s=0.0, lanes=2, pause_s=60.0, forward=network
    )
    network.let(1, 2, 3)
    with engine.urgent():
        waits = [Study(engine, BODY, 1), Study(engine, MODEL, 3)]
        while len(engine._heap) < 2:
            time.sleep(0.005)
        urgent = Study(engine, BODY, 2, priority=0)
        urgent.join(10)
        assert (urgent.said, network.begun) == ([2], [[2]])
    for study in waits:
        study.join(10)
    assert [study.said for study in waits] == [[1], [3]]
    engine.close()


def test_nothing_else_is_begun_while_something_urgent_is_on_its_way():
    network = Blocked()
    engine = Engine(
        device=CPU, batch=2, wait_s=0.0, lanes=2, pause_s=60.0, forward=network
    )
    network.let(1, 2)
    engine.make_way()
    body = Study(engine, BODY, 1)
    passed = threading.Event()
    other = threading.Thread(
        target=lambda: (engine.let_pass(6), passed.set()), daemon=True
    )
    other.start()
    engine.let_pass(0)
    with engine.urgent():
        urgent = Study(engine, BODY, 2, priority=0)
        urgent.join(10)
        assert (urgent.said, network.begun, passed.is_set()) == ([2], [[2]], False)
    body.join(10)
    assert (body.said, passed.wait(10)) == ([1], True)
    engine.close()


def test_what_was_announced_and_never_comes_is_waited_for_a_moment():
    network = Blocked()
    engine = Engine(
        device=CPU, batch=2, wait_s=0.0, lanes=2, pause_s=0.2, forward=network
    )
    network.let(1)
    began = time.monotonic()
    engine.make_way()
    engine.let_pass(6)
    assert time.monotonic() - began >= 0.2
    study = Study(engine, BODY, 1)
    study.join(10)
    assert study.said == [1]
    engine.close()


def test_what_is_urgent_for_long_is_not_waited_for(lanes):
    engine, network = lanes
    network.let(1)
    with engine.urgent():
        study = Study(engine, BODY, 1)
        study.join(10)
        assert study.said == [1]


def test_a_closed_engine_ends_although_something_urgent_is_in_hand():
    network = Blocked()
    engine = Engine(
        device=CPU, batch=2, wait_s=0.0, lanes=2, pause_s=60.0, forward=network
    )
    network.let(1)
    with engine.urgent():
        study = Study(engine, BODY, 1)
        while not engine._heap:
            time.sleep(0.005)
        engine.close()
        study.join(10)
    assert study.said == [1]


def test_the_rest_waits_for_what_is_urgent_half_of_the_time_at_most():
    pause = Pause(2.0)
    assert pause.left(0.0) == 0
    pause.begin(10.0)
    pause.begin(10.5)  # one more makes it no longer
    assert (pause.left(10.5), pause.left(12.0), pause.left(15.0)) == (1.5, 0, 0)
    assert (pause.end(11.0), pause.left(11.0)) == (False, 1.0)
    assert (pause.end(11.5), pause.left(11.5)) == (True, 0)
    pause.begin(12.0)  # 1.5 s were waited: the next may be waited for at 13
    assert pause.left(12.0) == 0
    assert pause.end(12.5) is False
    pause.begin(13.0)
    assert pause.left(13.0) == 2.0
    assert pause.end(16.0) is False  # it was over by itself
    pause.begin(16.5)
    assert pause.left(16.5) == 0
    pause.end(16.6)
    pause.begin(17.0)
    assert pause.left(17.0) == 2.0


def test_what_was_announced_is_waited_for_twice_at_most():
    pause = Pause(2.0)
    pause.announce(10.0)
    pause.announce(11.0)  # said again it lasts no longer
    assert pause.left(11.0) == 1.0
    pause.begin(11.5)  # it came: as long again
    assert pause.left(11.5) == 2.0
    pause.announce(12.0)
    assert (pause.left(12.0), pause.end(12.5), pause.left(12.5)) == (1.5, True, 0)
    pause.announce(14.5)  # 2.5 s were waited: the next may be waited for at 15
    assert pause.left(14.5) == 0
    pause.announce(15.0)
    assert (pause.left(15.0), pause.left(17.0)) == (2.0, 0)  # it never came
    pause.begin(18.0)
    assert pause.left(18.0) == 0
    pause.end(18.5)
    pause.announce(19.0)
    pause.begin(20.9)
    assert (pause.left(22.0), pause.end(23.0)) == (pytest.approx(0.9), False)
    pause.begin(26.7)
    assert pause.left(26.7) == 0
    pause.end(26.8)
    pause.begin(26.9)
    assert pause.left(26.9) == 2.0


def test_where_one_never_waits_nothing_does():
    pause = Pause(0.0)
    pause.announce(0.5)
    assert pause.left(0.5) == 0
    pause.begin(1.0)
    assert (pause.left(1.0), pause.end(1.0)) == (0, False)


def test_only_bodies_run_beside_others(lanes):
    engine, network = lanes
    plain = Study(engine, MODEL, 1)
    network.wait([1])
    second, urgent = Study(engine, MODEL, 2), Study(engine, MODEL, 3, priority=0)
    body = Study(engine, BODY, 4)
    network.wait([1], [4])
    network.let(4)
    body.join(10)
    assert (body.said, len(engine._heap)) == ([4], 2)
    network.let(1, 2, 3)
    for study in (plain, second, urgent):
        study.join(10)
    assert network.begun == [[1], [4], [3], [2]]


def test_the_gate_lets_the_most_urgent_through_first():
    gate, order = Gate(1), []

    def through(priority):
        with gate.turn(priority):
            order.append(priority)

    with gate.turn(6):
        through(0)
        assert order == [0], "what is urgent does not wait"
        threads = [threading.Thread(target=through, args=(p,)) for p in (9, 6, 3)]
        for thread in threads:
            thread.start()
        while len(gate._waiting) < 3:
            time.sleep(0.005)
    for thread in threads:
        thread.join(10)
    assert order == [0, 3, 6, 9]
    assert gate._room == 1


def test_the_gate_wakes_one_at_a_time_and_never_lets_in_too_many():
    gate, inside, most = Gate(2), [], []

    def through(number):
        for _ in range(20):
            with gate.turn(6):
                inside.append(number)
                most.append(len(inside))
                if number % 3 == 0:
                    time.sleep(0.0002)
                inside.remove(number)

    threads = [threading.Thread(target=through, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not [thread for thread in threads if thread.is_alive()]
    assert (len(most), max(most)) == (12 * 20, 2)
    assert (gate._room, gate._waiting, inside) == (2, [], [])


def test_a_turn_that_fails_is_handed_on():
    gate = Gate(1)
    with pytest.raises(ValueError, match="broken"), gate.turn(6):
        raise ValueError("broken")
    with gate.turn(6):
        assert gate._room == 0
    assert gate._room == 1

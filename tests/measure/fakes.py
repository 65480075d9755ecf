"""A clock that only moves when told, and a service made of numbers."""

import math

from pytest_goleak.model.observation import LoadResult, Observation
from pytest_goleak.model.plan import Endpoint


class FakeClock:
    def __init__(self):
        self.time = 0.0
        self.slept = 0.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds
        self.slept += seconds


class FakeSource:
    """Gives *levels* (bytes, objects, goroutines) one after the other, then the last one for ever."""

    def __init__(self, clock, levels, *, cost_s=0.001, proven=None):
        self.clock, self.levels, self.cost_s, self.proven = clock, list(levels), cost_s, proven
        self.collections = 0
        self.total_alloc = 0

    def observe(self, *, collections=2):
        self.collections += collections
        self.total_alloc += 1000
        self.clock.time += self.cost_s
        looks = [self.levels.pop(0) if len(self.levels) > 1 else self.levels[0] for _ in range(collections)]
        level = looks[-1]
        return Observation(
            at_s=self.clock.time,
            heap_bytes=level[0],
            heap_objects=level[1],
            goroutines=level[2],
            total_alloc=self.total_alloc,
            num_gc=self.collections,
            cost_s=self.cost_s,
            is_falling=looks[0] > level,
        )

    def proven_leaks(self):
        return self.proven


class FakeDriver:
    """Answers at a steady rate and after a latency; *spoil* changes the result of a dose."""

    name = "fake"

    def __init__(self, clock, *, rate=1000.0, latency_s=0.0, spoil=None):
        self.clock, self.rate, self.latency_s, self.spoil = clock, rate, latency_s, spoil
        self.jobs = []

    def unsupported(self, endpoint):
        return None

    def run(self, job, on_progress=None):
        self.jobs.append(job)
        duration = max(job.requests / self.rate, math.ceil(job.requests / job.concurrency) * self.latency_s)
        self.clock.time += duration
        if on_progress:
            on_progress(job.requests)
        fields = {
            "planned": job.requests,
            "completed": job.requests,
            "status_codes": {200: job.requests},
            "duration_s": duration,
        }
        return LoadResult(**(fields | (self.spoil(job) if self.spoil else {})))


class FakeTarget:
    url = "http://127.0.0.1:1"
    pprof_url = "http://127.0.0.1:1/debug/pprof"
    pid = None
    socket = None
    memprofilerate = None
    is_started_by_us = False

    def __init__(self, death=None):
        self.death = death

    def check_alive(self):
        if self.death:
            raise self.death

    def output(self):
        return ""


ENDPOINT = Endpoint(name="GET /x", path="/x")

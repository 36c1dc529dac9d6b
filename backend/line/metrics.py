"""What a monitoring system reads of a line: Prometheus' text format, base units, bounded labels."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

from backend.line.engine import Engine
from backend.line.part import Verdict

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """The figures of one line, as its engine has them at each reading."""

    def __init__(self, line: str, engine: Engine) -> None:
        self._line, self._engine = line, engine
        self._registry = CollectorRegistry()
        self._stages = Histogram(
            "distillery_stage_seconds",
            "Time of a part in a stage: wait, judge, store.",
            ["line", "stage"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._registry.register(self)
        engine.observe = self._observe

    def _observe(self, stage: str, seconds: float) -> None:
        self._stages.labels(self._line, stage).observe(seconds)

    def text(self) -> bytes:
        """The figures as they are now."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each reading."""
        totals = self._engine.outbox.totals()
        parts = CounterMetricFamily(
            "distillery_parts", "Parts since the line's first start.", labels=["line", "verdict"]
        )
        for verdict in Verdict:
            parts.add_metric([self._line, verdict.value], totals[verdict.value])
        buffer = GaugeMetricFamily(
            "distillery_buffer_parts", "Parts that wait to be judged.", labels=["line"]
        )
        buffer.add_metric([self._line], len(self._engine.ring))
        pending = GaugeMetricFamily(
            "distillery_outbox_pending", "Verdicts that a sink lacks.", labels=["line", "sink"]
        )
        for sink in self._engine.sinks:
            pending.add_metric([self._line, sink.name], self._engine.outbox.pending(sink.name))
        model = InfoMetricFamily("distillery_model", "What judges.", labels=["line"])
        versions = self._engine.judge.versions
        model.add_metric([self._line], {k: str(v) for k, v in versions.items()})
        suspended = GaugeMetricFamily(
            "distillery_promise_suspended",
            "Feature types whose scores drifted, so that their limits promise nothing.",
            labels=["line"],
        )
        suspended.add_metric([self._line], len(self._engine.judge.suspended))
        yield from (parts, buffer, pending, model, suspended)

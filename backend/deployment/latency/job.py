"""Time a package on this computer, part by part, as a line would call it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from backend.core import facts, runs
from backend.deployment.latency import figures, first_verdict, load, series, tables, timing
from backend.deployment.latency.caller import Caller
from backend.deployment.latency.spec import COLD, Result, Spec
from backend.deployment.latency.timing import Sample, Variant
from backend.deployment.package import contract
from backend.deployment.package.contract import Package
from backend.numeric import hardware, quantiles, statistics
from backend.records import Progress
from backend.wording import counted


def run(spec: Spec, out_dir: Path, progress: Progress) -> Result:
    """Time the calls; writes the facts tables `latencies` and `figures`."""
    progress(0.01, "reading the package")
    folder = contract.folder_of(runs.sibling(out_dir, spec.package_run))
    caller = Caller(contract.read(folder))
    session = contract.session(caller.package, threads=spec.threads, provider=spec.provider)
    progress(0.04, "looking how busy the computer is")
    watch = load.Watch(out_dir)
    call = Variant(partial(caller.whole, session), spec.repetitions)
    named = [("", one) for one in _plain(spec, call, progress)]
    found = watch.load()
    for place, name in enumerate(spec.series):
        progress(0.5 + 0.5 * place / len(spec.series), f"measuring: {name}")
        named += [(name, one) for one in series.samples(name, caller, spec)]
    machine = hardware.fingerprint()
    table = figures.frame(named, machine.id)
    facts.write(out_dir, "latencies", table)
    facts.write(
        out_dir, "figures", figures.rows(table, (spec.provider, spec.threads) == ("CPU", 1))
    )
    result = _result(spec, caller.package, table, found, machine)
    told = {"p50": result.p50, "p95": result.p95, "p99": result.p99}
    progress(1.0, f"{result.p50:.1f} ms a part", metrics=told)
    return result


def _plain(spec: Spec, call: Variant, progress: Progress) -> Iterator[Sample]:
    """The counted calls one after the other; the progress report lies outside the clock."""
    name = _variant(spec)
    for k in range(spec.warm_up):
        call.call(k)
    for k in range(spec.repetitions):
        yield timing.timed(name, k, call)
        if k % 10 == 0:
            progress(0.05 + 0.45 * k / spec.repetitions, f"call {k + 1} of {spec.repetitions}")


def _variant(spec: Spec) -> str:
    return f"{spec.provider}, {counted(spec.threads, 'thread')}, one part a call"


def _result(
    spec: Spec,
    package: Package,
    table: pd.DataFrame,
    found: load.Load,
    machine: hardware.Fingerprint,
) -> Result:
    plain = tables.plain(table)
    times = plain["milliseconds"].to_numpy(np.float64)
    p50, p95, p99 = (round(float(q), 3) for q in np.percentile(times, tables.SHARES))
    kept = int((times <= spec.budget).sum())
    low, high = statistics.clopper_pearson(kept, len(times))
    started = table[(table["series"] == COLD) & (table["variant"] == first_verdict.ANSWERED)]
    return Result(
        variant=_variant(spec),
        p50=p50,
        p95=p95,
        p99=p99,
        p99_high=round(quantiles.quantile(times, 0.99)[2], 3),
        cpu_p50=round(float(plain["cpu_milliseconds"].median()), 3),
        mean=round(float(times.mean()), 3),
        parts_per_second=round(1000 / float(times.mean()), 1),
        repetitions=len(times),
        threads=spec.threads,
        provider=spec.provider,
        kind=package.kind,
        size=package.size,
        cpu=hardware.cpu_name(),
        load=found,
        busy=load.words(found),
        budget=spec.budget,
        within=kept / len(times),
        within_low=low,
        within_high=high,
        cold_ms=round(float(started["milliseconds"].median()), 1),
        machine=machine,
    )

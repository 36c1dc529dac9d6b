"""Version numbers of a model's thresholds: each is given once, whoever asks at the same time."""

import subprocess
import sys

from backend.core import jobs, runs
from backend.inspection.threshold import active, versions
from backend.settings import PROJECT
from tests.unit.inspection.test_threshold import make_inspected, make_threshold


def test_versions_made_at_the_same_time_get_different_numbers(storage):
    inspect_run = make_inspected(storage.runs, {"dots": (30, 0)})
    code = (
        "import sys; from pathlib import Path\n"
        "from backend.inspection.threshold import versions\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "folder, name = Path(sys.argv[1]), sys.argv[2]\n"
        "print(*(versions.claim(folder, f'{name}-{k}') for k in range(20)))"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(storage.runs / inspect_run), str(k)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for k in range(4)
    ]
    assert [child.stdout.readline() for child in children] == ["ready\n"] * 4
    for child in children:  # all start at once
        child.stdin.write("go\n")
        child.stdin.flush()
    found = [int(n) for child in children for n in child.communicate()[0].split()]
    assert sorted(found) == list(range(1, 81))


def test_jobs_of_one_model_at_the_same_time_get_different_numbers(storage):
    inspect_run = make_inspected(storage.runs, {"dots": (40, 0)})
    specs_of = [{"inspect_run": inspect_run, "alarm_rate": rate} for rate in (0.04, 0.05, 0.06)]
    made = [jobs.submit(storage, "threshold", spec, queued=False).folder for spec in specs_of]
    for child in [jobs.start(storage, folder) for folder in made]:
        assert child.wait(300) == 0
    found = {runs.read(folder).result["version"] for folder in made}
    written = {runs.read_json(folder / active.FILE)["version"] for folder in made}
    assert found == written == {1, 2, 3}


def test_a_number_is_not_given_again_and_a_resumed_run_keeps_its_own(storage, store):
    inspect_run = make_inspected(storage.runs, {"dots": (30, 0)})
    queue = jobs.Supervisor(storage, store)
    second = [make_threshold(storage.runs, inspect_run) for _ in range(2)][1]
    assert versions.claim(storage.runs / inspect_run, second.id) == 2
    queue.delete(second.id)
    queue.empty_trash()
    assert make_threshold(storage.runs, inspect_run).result["version"] == 3


def test_numbers_of_before_the_journal_count_also_from_the_trash(storage, store):
    inspect_run = make_inspected(storage.runs, {"dots": (30, 0)})
    old = [make_threshold(storage.runs, inspect_run) for _ in range(2)]
    (storage.runs / inspect_run / versions.JOURNAL).unlink()
    jobs.Supervisor(storage, store).delete(old[1].id)
    assert make_threshold(storage.runs, inspect_run).result["version"] == 3

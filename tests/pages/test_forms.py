"""Forms: filled in from the run before, cleared after Start, with what fits and an estimate."""

import numpy as np
import pytest

from backend.core import facts, registry, runs, specs
from backend.core.estimates import NONE
from backend.images import imageset
from backend.images.labelled_image import LabelledImage
from backend.inspection.parts.spec import Spec as PartsSpec
from backend.records import Box, Cause, RunState
from pages.ui import links, resources
from tests.pages.test_pages import is_well, open_page, words

pytestmark = pytest.mark.xdist_group("tiny")
PARTS, TESTSET = "pages/inspection/parts.py", "pages/detection/testset.py"


def press(app, label):
    return next(b for b in app.button if b.label == label).click().run()


def texts(app):
    return "\n".join(caption.value for caption in app.caption)


@pytest.fixture
def sets(empty_dashboard):
    """Makes a finished set of four images of the given source, the first so many with a box."""

    def make(source, boxed, name):
        supervisor = resources.supervisor()
        run = runs.create(supervisor.settings.runs, "generate", {"teacher": "folder"}, name=name)
        pixels = np.random.default_rng(1).integers(0, 255, (4, 24, 24, 3), np.uint8)
        box = (Box("crack", (2.0, 2.0, 9.0, 9.0)),)

        def picture(k):
            return LabelledImage(pixels[k], source, box if k < boxed else ())

        imageset.write(run.folder, 4, picture, lambda *_, **__: None)
        runs.finish(run.folder, RunState.COMPLETED, result={})
        supervisor.tick()
        return run

    return make


def test_a_next_step_opens_its_form_filled_in_and_hides_the_old_result(dashboard):
    dataset = dashboard["dataset"]
    app = open_page("pages/detection/detector.py", **{"from": dataset.id})
    is_well(app)
    field = app.selectbox(key=f"from-{dataset.id}-detector-dataset_run")
    assert field.value == dataset.id
    assert "tiny dataset" in texts(app)
    assert "run" not in [box.key for box in app.selectbox]
    assert not app.metric, "no earlier result"


@pytest.mark.parametrize("entry", list(links.BY_KIND.values()), ids=lambda e: e.title)
def test_every_form_opens_from_every_run_before_it(dashboard, entry):
    taken = {kind for p in specs.params(registry.get(entry.kind).spec_type) for kind in p.runs}
    fit = [run for run in dashboard.values() if run.kind in taken]
    unfit = [run for run in dashboard.values() if run.kind not in taken]
    for run in fit + unfit[:1]:
        app = open_page(entry.path, **{"from": run.id})
        is_well(app)


def test_after_start_the_form_is_closed_and_empty_and_the_run_is_shown(empty_dashboard):
    app = open_page(PARTS)
    app.number_input(key="form-parts-seed").set_value(77)
    press(app, "Start")
    (made,) = resources.supervisor().active()
    assert made.spec["seed"] == 77 and made.name == "Parts · simulator"
    assert app.selectbox(key="run").value == made.id
    assert "form-parts-1-seed" not in [n.key for n in app.number_input], "closed"
    app.session_state["new-form-parts-1"] = True
    app.run()
    assert app.number_input(key="form-parts-1-seed").value == PartsSpec().seed
    resources.supervisor().cancel(made.id)


def test_a_diffusion_teacher_without_a_model_leads_to_its_training(empty_dashboard):
    app = open_page("pages/teachers/images.py")
    app.selectbox(key="form-generate-teacher").set_value("diffusion").run()
    is_well(app)
    assert "This starts from “Diffusion teacher”. Make that first" in words(app)


def test_fields_follow_one_another_row_by_row(empty_dashboard):
    app = open_page(PARTS)
    order = [n.key.removeprefix("form-parts-") for n in app.number_input]
    declared = [p.name for p in specs.params(PartsSpec)]
    assert order == [name for name in declared if name in order]


def test_a_choice_offers_what_fits_counted_and_says_why_others_do_not(sets):
    sets("imported", 0, "no boxes")
    sets("rendered", 3, "made here")
    fits = sets("imported", 3, "photographs")
    app = open_page(TESTSET)
    is_well(app)
    (none, offered) = app.selectbox(key="form-testset-images_run").options
    assert none == "none"
    assert offered.startswith("photographs · 4 images, 1 good, 3 with defects · ")
    assert fits.id
    assert "2 more cannot be used here" in texts(app)
    assert "1 × no boxes" in texts(app) and "1 × not imported" in texts(app)


def test_an_estimate_is_measured_or_says_that_there_is_none(empty_dashboard, bystander):
    app = press(open_page(PARTS), "Estimate")
    assert app.info[0].value.replace("\\", "") == NONE
    supervisor = resources.supervisor()
    run = runs.create(supervisor.settings.runs, "parts", specs.to_json(PartsSpec(scale=0.1)))
    runs.claim(run.folder, bystander)
    runs.finish(run.folder, RunState.COMPLETED, result={})
    supervisor.tick()
    app = open_page("pages/system/runs.py", run=run.id)
    press(app, "Estimate")
    assert any("from the newest such run on this computer" in i.value for i in app.info)


def test_a_leak_is_listed_whole_and_one_button_makes_the_data_set_without_it(dashboard, until):
    supervisor = resources.supervisor()
    dataset, test = dashboard["dataset"], dashboard["testset"]
    spec = dashboard["detector"].spec | {"test_run": test.id, "test_folder": ""}
    run = runs.create(supervisor.settings.runs, "detector", spec, name="refused")
    row = {"test": "images/p6", "same": True, "holder": dataset.id}
    facts.write(run.folder, "leaks", [row | {"training": f"{k:06d}.png"} for k in range(5)])
    runs.finish(run.folder, RunState.FAILED, error="5 training images …", cause=Cause.MISTAKE)
    supervisor.tick()
    app = open_page("pages/detection/detector.py", run=run.id)
    assert not app.exception and not app.error
    assert len(app.dataframe[0].value) == 5
    press(app, "Make the data set again without these 5, and train on it")
    again, trained = supervisor.active()
    assert again.spec == specs.to_json(runs.spec(dataset, type(_spec(dataset)))) | {
        "without_runs": [test.id]
    }
    assert trained.spec["dataset_run"] == again.id and trained.parent == run.id
    assert "waiting" in words(app)
    for one in (trained, again):
        supervisor.cancel(one.id)
    until(lambda: not supervisor.active())
    for one in (trained, again, run):
        supervisor.delete(one.id)


def _spec(run):
    from backend.core import registry

    return runs.spec(run, registry.get(run.kind).spec_type)

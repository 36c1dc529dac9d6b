"""The demo's steps fit the kinds they start."""

from backend import demo
from backend.core import registry, specs


def test_every_step_has_settings_its_kind_accepts():
    for step in demo.STEPS:
        spec_type = registry.get(step.kind).spec_type
        known = {p.name: p for p in specs.params(spec_type)}
        placeholders = dict.fromkeys(step.inputs, "20260101T000000-generate-000000")
        specs.from_json(spec_type, demo.filled(step, placeholders))
        values = specs.defaults(spec_type) | dict(step.settings)
        required = {
            name for name, p in known.items() if p.required and specs.matters(p, values, known)
        }
        assert required <= set(step.inputs)
        assert all(known[name].run for name in step.inputs)


def test_every_input_is_an_earlier_step_of_a_fitting_kind():
    kinds: dict[str, str] = {}
    for step in demo.STEPS:
        known = {p.name: p for p in specs.params(registry.get(step.kind).spec_type)}
        for field, source in step.inputs.items():
            assert kinds[source] in known[field].run.split("|")
        kinds[step.name] = step.kind
    assert len(kinds) == len(demo.STEPS)

"""Who was made from whom: one rule, from the specs' own fields."""

import pytest

from backend.core import lineage, registry, runs, specs


def run(where, kind, /, **spec):
    return runs.create(where, kind, spec)


def test_only_fields_that_matter_name_a_parent(tmp_path):
    donors = run(tmp_path, "generate", teacher="folder")
    goods = run(tmp_path, "generate", teacher="folder")
    spec = {"goods_run": goods.id, "donors_run": donors.id}
    drawn = run(tmp_path, "composite", teacher="renderer", **spec)
    pasted = run(tmp_path, "composite", teacher="copy-paste", **spec)
    assert lineage.parents(drawn) == (goods.id,)
    assert set(lineage.parents(pasted)) == {goods.id, donors.id}


@pytest.mark.parametrize("kind", registry.KINDS, ids=lambda kind: kind.name)
def test_every_run_field_of_every_kind_is_followed(tmp_path, kind):
    """With the settings that make it count, each field's run is a parent."""
    other = run(tmp_path, "generate", teacher="folder").id
    known = {p.name: p for p in specs.params(kind.spec_type)}
    for p in known.values():
        if not p.run:
            continue
        values = specs.defaults(kind.spec_type) | {p.name: [other] if p.many else other}
        needed = p
        while needed.when:
            values[needed.when[0]] = needed.when[1][0]
            needed = known[needed.when[0]]
        if specs.matters(p, values, known):
            made = run(tmp_path, kind.name, **values)
            assert lineage.parents(made) == (other,), f"{kind.name}.{p.name}"


def test_ancestors_come_once_the_nearest_first(tmp_path):
    photographs = run(tmp_path, "generate", teacher="folder")
    student = run(tmp_path, "distill", teacher_run=photographs.id)
    spec = {"teacher": "student", "goods_run": photographs.id, "student_run": student.id}
    composites = run(tmp_path, "composite", **spec)
    dataset = run(tmp_path, "dataset", source_runs=[composites.id, student.id])
    found = [one.id for one in lineage.ancestors(dataset)]
    assert found[:2] == [composites.id, student.id]
    assert found[2:] == [photographs.id]


def test_deleted_and_damaged_ancestors_are_told_and_a_circle_ends(tmp_path):
    damaged = run(tmp_path, "generate")
    (damaged.folder / "spec.json").write_text("{")
    gone = "20200101T000000-generate-abcdef"
    made = run(tmp_path, "dataset", source_runs=[damaged.id, gone, "../etc"])
    head = runs.read_json(made.folder / "spec.json")
    head["spec"]["source_runs"].append(made.id)
    runs.write_json(made.folder / "spec.json", head)
    found = {one.id: one.problem for one in lineage.ancestors(runs.read(made.folder))}
    assert found == {damaged.id: lineage.DAMAGED, gone: lineage.DELETED, "../etc": lineage.DELETED}


def test_a_torn_result_hides_no_parent(tmp_path):
    photographs = run(tmp_path, "generate", teacher="folder")
    student = run(tmp_path, "distill", teacher_run=photographs.id)
    (student.folder / "result.json").write_text("{")
    sample = run(tmp_path, "sample", student_run=student.id)
    assert [one.id for one in lineage.ancestors(sample)] == [student.id, photographs.id]


def test_settings_of_another_version_are_followed_too(tmp_path):
    photographs = run(tmp_path, "generate", teacher="folder")
    old = run(tmp_path, "dataset", source_run=photographs.id, note="no run")
    strange = run(tmp_path, "conjure", made_from=[photographs.id], depth=3)
    assert lineage.parents(old) == lineage.parents(strange) == (photographs.id,)

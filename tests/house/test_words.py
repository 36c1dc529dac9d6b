"""What a person reads is in the glossary's words: forms, titles, and what older results stored."""

import pytest

from backend import glossary
from backend.core import registry, specs
from tests.ruled_out import ruled_out


@pytest.mark.parametrize("kind", registry.KINDS, ids=lambda kind: kind.name)
def test_a_form_and_a_title_use_no_word_that_is_ruled_out(kind):
    told = [kind.title, kind.summary]
    told += [f"{p.label}: {p.help}" for p in specs.params(kind.spec_type)]
    assert ruled_out("\n".join(told)) == []


def test_the_rule_sees_what_it_rules_out():
    for words in ("AP50 0.3", "mean AUROC", "5 folds", "an arm", "source A", "1 images have"):
        assert ruled_out(words), words
    for words in ("a detection score (AP50)", "alarms", "(AUROC; 0.5", "1 image has", "21 images"):
        assert ruled_out(words) == [], words


def test_every_stored_word_is_said_in_others_once_and_for_all():
    stored = [(name, words) for term in glossary.TERMS for name, words in term.stored.items()]
    for name, words in stored:
        assert glossary.said(name) == words
        assert glossary.said(words) == words, "said twice is as said once"
        assert ruled_out(glossary.said(f"the {name} of it")) == []


def test_a_part_or_class_keeps_its_own_name():
    for name in ("arm", "fold", "arms", "frozen lake", "real+intact", "20261126-ablation-7"):
        assert glossary.said(name) == name


def test_every_term_has_a_sentence_of_its_own():
    words = [term.words for term in glossary.TERMS]
    assert len(set(words)) == len(words)
    for term in glossary.TERMS:
        assert term.meaning and not term.meaning.endswith(".")

"""The papers that can be repeated, by their verbs."""

from backend.experiments import glass_paper, inkjet_paper

EXPERIMENTS = {one.verb: one for one in (glass_paper.EXPERIMENT, inkjet_paper.EXPERIMENT)}

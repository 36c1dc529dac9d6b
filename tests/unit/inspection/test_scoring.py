"""Whitening, baselines and the diffusion's score: golden numbers and invariants."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from backend.inspection.model import (
    baselines,
    crossfit,
    diffusion_net,
    diffusion_scorer,
    flows,
    fused_scorer,
    patch_memory,
    scoring,
)
from backend.inspection.model.fused_scorer import Fused


def good_maps(n=60, c=12, g=3, n_types=2, seed=0):
    """Correlated Gaussian maps [n, c, g, g] whose mean depends on type and position."""
    rng = np.random.default_rng(seed)
    types = np.arange(n) % n_types
    mix = rng.normal(size=(c, c)) / 2
    mean = rng.normal(size=(n_types, c, g, g)) * 3
    maps = np.einsum("cd,ndhw->nchw", mix, rng.normal(size=(n, c, g, g))) + mean[types]
    return maps.astype(np.float32), types.astype(np.int64)


def test_projection_is_scikit_learns_pca():
    maps, _ = good_maps()
    rows = StandardScaler().fit_transform(maps.transpose(0, 2, 3, 1).reshape(-1, 12))
    wanted = PCA(5).fit_transform(rows)
    found = scoring.fit_projection(maps, 5)(maps).transpose(0, 2, 3, 1).reshape(-1, 5)
    np.testing.assert_allclose(abs(found), abs(wanted), atol=1e-3)


def test_projection_keeps_at_most_the_channels():
    maps, _ = good_maps()
    assert scoring.fit_projection(maps, 99)(maps).shape == maps.shape


def test_whitened_good_is_standard_normal_at_every_position():
    maps, types = good_maps(n=600, c=6)
    white = scoring.fit_whitening(maps, types, 2, shrinkage=0, ridge=0)(maps, types)
    for t in range(2):
        for y in range(3):
            rows = white[types == t][:, :, y, 1]
            np.testing.assert_allclose(rows.mean(0), 0, atol=1e-4)
            np.testing.assert_allclose(np.cov(rows.T), np.eye(6), atol=1e-2)


def test_padim_is_the_mahalanobis_distance():
    maps, types = good_maps(n=200, c=4)
    whitening = scoring.fit_whitening(maps, types, 2, shrinkage=0, ridge=0)
    rows = maps[types == 1][:, :, 2, 0].astype(np.float64)
    inverse = np.linalg.inv(np.cov(rows.T))
    centred = rows - rows.mean(0)
    wanted = np.einsum("nc,cd,nd->n", centred, inverse, centred) / 4
    found = baselines.padim(crossfit.Split(maps, types, maps, types, whitening))
    found = found[types == 1][:, 2, 0]
    np.testing.assert_allclose(found, wanted, rtol=1e-2)


def test_pooled_mahalanobis_has_one_gaussian_a_type():
    maps, types = good_maps()
    model = baselines.fit_mahalanobis(maps, types, 2)
    assert model.whitening.mean.shape == (2, 1, 12)
    moved = maps[:, :, ::-1, ::-1].copy()  # it does not know positions
    np.testing.assert_allclose(
        model.maps(moved, types), model.maps(maps, types)[:, ::-1, ::-1], rtol=1e-4
    )


def test_top_mean_and_scale():
    maps = np.arange(20, dtype=np.float32).reshape(1, 4, 5)
    assert scoring.top_mean(maps, 0.1) == pytest.approx([18.5])
    assert scoring.top_mean(maps, 0.001) == pytest.approx([19])
    assert scoring.top_mean(maps, 1.0) == pytest.approx([9.5])


def test_a_type_with_many_parts_has_its_own_scale_one_with_none_that_of_all():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(5, 2, 5000), rng.normal(-5, 1, 5000)])
    scale = scoring.fit_scale(scores, np.repeat([0, 1], 5000), 3)
    assert scale.mean == pytest.approx([5, -5, scores.mean()], abs=0.1)
    assert scale.std == pytest.approx([2, 1, np.sqrt(2.5)], abs=0.05)


def test_a_few_parts_move_the_scale_only_a_little():
    scores = np.array([0.0] * 50 + [6.0] * 5)
    types = np.array([0] * 50 + [1] * 5)
    overall, prior = scores.mean(), scoring.PRIOR_PARTS
    wanted = (5 * 6 + prior * overall) / (5 + prior)
    assert scoring.fit_scale(scores, types, 2).mean[1] == pytest.approx(wanted)
    patches = scoring.fit_scale(scores.repeat(9), types.repeat(9), 2, each=9)
    assert patches.mean[1] == pytest.approx(wanted)


def score(scorer, maps, types, **more):
    return fused_scorer.score(Fused([scorer]), [maps], types, **more)


def fitted(steps=0, **more):
    maps, types = good_maps()
    calibration = np.arange(len(maps)) % 5 == 0
    settings = diffusion_net.Settings(dims=8, width=16, steps=steps, **more)
    return maps, types, *diffusion_scorer.fit(maps, types, calibration, 2, settings)


def test_untrained_diffusion_is_exactly_padim():
    maps, types, scorer, crossed = fitted(noise_pairs=0, timesteps=3)
    wanted = crossed.ask(baselines.padim)[0]
    x = torch.from_numpy(crossed.ask(lambda split: split.asked_white)[0])
    found = scorer.errors(x, torch.from_numpy(crossed.types)).detach().numpy()
    ratio = found[:, 0] / wanted
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-4)
    held = scorer.whitened(*(torch.from_numpy(a[np.arange(60) % 5 == 0]) for a in (maps, types)))
    np.testing.assert_allclose(held.detach().numpy(), x[-12:], atol=1e-4)


def test_untrained_diffusion_with_nearest_patches_is_their_distance():
    maps, types, scorer, crossed = fitted(reference="nearest", noise_pairs=0, timesteps=1)
    wanted = crossed.ask(baselines.knn)[0][crossed.held_out]  # few patches: all are in the bank
    chosen = torch.from_numpy(maps[::5]), torch.from_numpy(types[::5])
    x = scorer.whitened(*chosen)
    found = scorer.errors(x, chosen[1])[:, 0].detach().numpy()
    for t in range(2):
        ratio = found[types[::5] == t] / wanted[types[::5] == t]
        np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-2)


def test_noise_comes_in_pairs_that_cancel_the_cross_term():
    scorer = fitted(noise_pairs=2)[2]
    bank = scorer.get_buffer("noise")
    assert bank.shape[0] == 4 and torch.equal(bank[:2], -bank[2:])
    x = torch.randn(5, *bank.shape[1:], generator=torch.Generator().manual_seed(0))
    alpha, sigma = scorer.get_buffer("alpha"), scorer.get_buffer("sigma")
    wanted = (alpha[0] * bank).square().mean((0, 1)) + (sigma[0] * x).square().mean(1)
    found = scorer.errors(x, torch.zeros(5, dtype=torch.long))[:, 0]
    torch.testing.assert_close(found.detach(), wanted)


def test_same_part_same_score_whatever_the_batch_and_again():
    maps, types, scorer, *_ = fitted(steps=12)
    together = score(scorer, maps, types)[0]
    alone = score(scorer, maps, types, batch=1)[0]
    np.testing.assert_allclose(together, alone, atol=1e-4)
    np.testing.assert_array_equal(score(fitted(steps=12)[2], maps, types)[0], together)


def test_a_usual_good_part_scores_about_0_with_spread_1():
    maps, types, scorer, *_ = fitted(steps=12)
    held = np.arange(len(maps)) % 5 == 0
    scores = score(scorer, maps[held], types[held])[0]
    assert scores.mean() == pytest.approx(0, abs=0.15)
    assert scores.std() == pytest.approx(1, abs=0.2)


def test_training_never_ends_worse_on_held_out_good_parts():
    maps, types = good_maps(n=100)
    held_out = (maps[80:], types[80:])
    losses = []
    for steps in (0, 60):
        settings = diffusion_net.Settings(width=16, steps=steps)
        net = diffusion_net.train(maps[:80], types[:80], held_out, 2, settings)
        losses.append(diffusion_net._held_out_loss(net, diffusion_net.noise_schedule(), *held_out))
    assert losses[1] < losses[0] * 0.98  # maps with a mean: there is something to learn


def test_crossed_parts_have_the_spread_of_unseen_ones_and_each_occurs_once():
    maps, types = good_maps(n=180)
    held = np.arange(180) >= 120
    crossed = crossfit.cross(maps, types, held, 2, (maps[:7], types[:7]), dims=12, shrinkage=0.5)
    unseen, others = crossed.ask(lambda split: split.asked_white)
    assert unseen.shape == maps.shape and len(others) == 7
    own = crossed.final.known_white.var()
    new, inner = unseen[crossed.held_out].var(), unseen[~crossed.held_out].var()
    assert own < 0.9 * new and abs(inner - new) < abs(own - new)
    asked = np.concatenate([split.asked for split in crossed.inner])
    known = crossed.final.known
    np.testing.assert_array_equal(np.sort(asked.ravel()), np.sort(known.ravel()))


def test_the_noise_schedule_is_that_of_diffusers():
    from diffusers import DDPMScheduler

    theirs = DDPMScheduler(beta_schedule="squaredcos_cap_v2").alphas_cumprod
    torch.testing.assert_close(diffusion_net.noise_schedule(), theirs, atol=1e-5, rtol=1e-3)


def test_scored_timesteps_are_even():
    assert diffusion_net.scored_timesteps(1).tolist() == [400]
    assert diffusion_net.scored_timesteps(4).tolist() == [100, 300, 500, 700]


def test_nearest_is_the_nearest_and_the_coreset_covers():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 4)).astype(np.float32)
    bank = rng.normal(size=(300, 4)).astype(np.float32)
    away = np.linalg.norm(rows[:, None] - bank[None], axis=-1)
    found = patch_memory.nearest(torch.from_numpy(rows)[None], torch.from_numpy(bank)[None])[
        0
    ].numpy()
    np.testing.assert_array_equal(found, bank[away.argmin(1)])
    three = np.sort(away**2, axis=1)[:, :3].mean(1)
    np.testing.assert_allclose(patch_memory.distances(rows, bank, 3), three, rtol=1e-3, atol=1e-5)
    greedy, drawn = patch_memory.greedy_coreset(bank, 30), bank[:30]
    gap = [np.linalg.norm(bank[:, None] - c[None], axis=-1).min(1).max() for c in (greedy, drawn)]
    assert len(greedy) == 30 and gap[0] < gap[1]


def test_a_patch_scale_forgives_where_good_parts_differ():
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(4000, 2, 2)).astype(np.float32) * np.array([[1, 5], [1, 1]])
    types = np.zeros(4000, np.int64)
    scale = scoring.fit_patch_scale(maps.astype(np.float32), types, 1)
    assert scale(maps, types).reshape(4000, 4).std(0) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", list(baselines.BASELINES))
def test_every_baseline_sees_a_patch_that_is_off(name):
    maps, types = good_maps(n=120)
    held = np.arange(120) % 6 == 0
    odd = maps[held].copy()
    odd[:, :, 1, 2] += 12
    crossed = crossfit.cross(maps, types, held, 2, (odd, types[held]), dims=12, shrinkage=0.5)
    unseen, found = crossed.ask(baselines.BASELINES[name])
    assert unseen.shape == (120, 3, 3) and found.shape == (20, 3, 3)
    assert found[:, 1, 2].min() > np.quantile(unseen, 0.95)


def test_a_flow_gives_a_density():
    torch.manual_seed(0)
    net = flows.Flow(2, 1)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    axis = torch.linspace(-12, 12, 241)
    grid = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        log = -2 * net(grid, torch.zeros(len(grid), dtype=torch.long))
    mass = log.exp().sum() * 0.1**2 / (2 * torch.pi)
    assert float(mass) == pytest.approx(1, abs=0.01)


def bad_maps(seed=5):
    """Like `good_maps`, one patch of each moved the same way."""
    maps, types = good_maps(n=40, seed=seed)
    maps[:, :3, 1, 1] += 4
    return maps, types


def test_uses_bad_scores_good_less_bad():
    maps, types = good_maps()
    held = np.arange(len(maps)) % 5 == 0
    settings = diffusion_net.Settings(
        dims=8, width=32, steps=150, timesteps=2, uses_bad=True, separation=0.5
    )
    scorer, _ = diffusion_scorer.fit(maps, types, held, 2, settings, bad=bad_maps())
    usual = score(scorer, *[a[held] for a in (maps, types)])[0]
    bad = score(scorer, *bad_maps(seed=6))[0]
    assert np.median(bad) > np.quantile(usual, 0.9)


def test_the_supervised_baseline_learns_from_bad_parts():
    maps, types = good_maps(n=100)
    bad, bad_types = bad_maps()
    known = (
        np.concatenate([maps[:60], bad[:20]]),
        np.concatenate([types[:60], bad_types[:20]]),
        np.arange(80) < 60,
    )
    asked = np.concatenate([maps[60:], bad[20:]]), np.concatenate([types[60:], bad_types[20:]])
    scores = baselines.supervised(known, asked, 2)
    assert np.median(scores[40:]) > np.quantile(scores[:40], 0.9)


def test_unlikely_under_all_is_the_lowest_score_of_any_class():
    maps, types, scorer, _ = fitted(rule=fused_scorer.UNDER_ALL)
    every = fused_scorer.under_every(Fused([scorer]), [maps])
    np.testing.assert_allclose(score(scorer, maps, types)[0], every.min(1), atol=1e-4)
    own = score(fitted()[2], maps, types)[0]
    np.testing.assert_allclose(every[np.arange(len(maps)), types], own, atol=1e-4)
    assert (
        every[np.arange(len(maps)), types] < every[np.arange(len(maps)), 1 - types]
    ).mean() > 0.9

"""Whitening, baselines and the diffusion's score: golden numbers and invariants."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from backend.inspection import baselines, denoiser, scoring


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
    padim = baselines.Padim(scoring.fit_whitening(maps, types, 2, shrinkage=0, ridge=0))
    rows = maps[types == 1][:, :, 2, 0].astype(np.float64)
    inverse = np.linalg.inv(np.cov(rows.T))
    centred = rows - rows.mean(0)
    wanted = np.einsum("nc,cd,nd->n", centred, inverse, centred) / 4
    found = padim.maps(maps, types)[types == 1][:, 2, 0]
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


def fitted(steps=0, **more):
    maps, types = good_maps()
    calibration = np.arange(len(maps)) % 5 == 0
    settings = denoiser.Settings(dims=8, width=16, steps=steps, **more)
    return maps, types, *denoiser.fit(maps, types, calibration, 2, settings)


def test_untrained_diffusion_is_exactly_padim():
    maps, types, scorer, projection, whitening = fitted(noise_pairs=0, timesteps=3)
    found = denoiser.score(scorer, maps, types)[1]
    padim = baselines.Padim(whitening).maps(projection(maps), types)
    for t in range(2):
        mine, theirs = found[types == t].ravel(), padim[types == t].ravel()
        assert np.corrcoef(mine, theirs)[0, 1] > 0.999999


def test_noise_comes_in_pairs_that_cancel_the_cross_term():
    scorer = fitted(noise_pairs=2)[2]
    bank = scorer.get_buffer("noise")
    assert bank.shape[0] == 4 and torch.equal(bank[:2], -bank[2:])
    x = torch.randn(5, *bank.shape[1:])
    alpha, sigma = scorer.get_buffer("alpha"), scorer.get_buffer("sigma")
    wanted = (alpha[0] * bank).square().mean((0, 1)) + (sigma[0] * x).square().mean(1)
    found = scorer.errors(x, torch.zeros(5, dtype=torch.long))[:, 0]
    torch.testing.assert_close(found.detach(), wanted)


def test_same_part_same_score_whatever_the_batch_and_again():
    maps, types, scorer, *_ = fitted(steps=12)
    together = denoiser.score(scorer, maps, types)[0]
    alone = denoiser.score(scorer, maps, types, batch=1)[0]
    np.testing.assert_allclose(together, alone, atol=1e-4)
    np.testing.assert_array_equal(denoiser.score(fitted(steps=12)[2], maps, types)[0], together)


def test_a_usual_good_part_scores_about_0_with_spread_1():
    maps, types, scorer, *_ = fitted(steps=12)
    held = np.arange(len(maps)) % 5 == 0
    scores = denoiser.score(scorer, maps[held], types[held])[0]
    assert scores.mean() == pytest.approx(0, abs=0.15)
    assert scores.std() == pytest.approx(1, abs=0.2)


def test_training_never_ends_worse_on_held_out_good_parts():
    maps, types = good_maps(n=100)
    held_out = (maps[80:], types[80:])
    losses = []
    for steps in (0, 60):
        settings = denoiser.Settings(width=16, steps=steps)
        net = denoiser.train(maps[:80], types[:80], held_out, 2, settings)
        losses.append(denoiser._held_out_loss(net, denoiser.noise_schedule(), *held_out))
    assert losses[1] < losses[0] * 0.98  # maps with a mean: there is something to learn


def test_cross_whitening_gives_the_spread_of_unseen_parts():
    maps, types = good_maps(n=120)
    seen, unseen = slice(0, 60), slice(60, 120)
    whitening = scoring.fit_whitening(maps[seen], types[seen], 2)
    new = whitening(maps[unseen], types[unseen]).var()
    own = whitening(maps[seen], types[seen]).var()
    crossed = denoiser.cross_whitened(maps[seen], types[seen], 2, denoiser.Settings()).var()
    assert own < 0.9 * new
    assert abs(crossed - new) < abs(own - new)
    assert np.isfinite(denoiser.cross_whitened(maps[:6], types[:6], 2, denoiser.Settings())).all()


def test_the_noise_schedule_is_that_of_diffusers():
    from diffusers import DDPMScheduler

    theirs = DDPMScheduler(beta_schedule="squaredcos_cap_v2").alphas_cumprod
    torch.testing.assert_close(denoiser.noise_schedule(), theirs, atol=1e-5, rtol=1e-3)


def test_scored_timesteps_are_even():
    assert denoiser.scored_timesteps(1).tolist() == [400]
    assert denoiser.scored_timesteps(4).tolist() == [100, 300, 500, 700]

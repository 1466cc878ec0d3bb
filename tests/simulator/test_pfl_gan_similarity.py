"""How alike samples are: the encoder, the divergences and the weights, against numbers found in other ways."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch.distributions import MultivariateNormal, kl_divergence

from simulator.strategies.pfl_gan.similarity import (
    RIDGE,
    Gaussians,
    divergence_flops,
    divergences,
    encoder_flops,
    latent_gaussians,
    mixture_weights,
)


def gaussians(clients: int, dimensions: int, seed: int = 0) -> Gaussians:
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(clients, dimensions, dimensions + 2))
    return Gaussians(rng.normal(size=(clients, dimensions)), roots @ roots.transpose(0, 2, 1))


def test_a_divergence_in_one_dimension_equals_the_integral_over_a_grid():
    own = Gaussians(np.array([[0.3], [-1.1]]), np.array([[[0.8]], [[2.5]]]))
    x = np.linspace(-30, 30, 400_001)

    def log_density(client):
        mean, variance = own.means[client, 0], own.covariances[client, 0, 0]
        return -((x - mean) ** 2) / (2 * variance) - 0.5 * np.log(2 * np.pi * variance)

    for i, j in ((0, 1), (1, 0)):
        integrand = np.exp(log_density(i)) * (log_density(i) - log_density(j))
        assert divergences(own)[i, j] == pytest.approx(integrand.sum() * (x[1] - x[0]), rel=1e-9)


def test_divergences_equal_those_of_torch():
    own = gaussians(4, 5)
    normals = [
        MultivariateNormal(torch.from_numpy(mean), torch.from_numpy(covariance))
        for mean, covariance in zip(own.means, own.covariances, strict=True)
    ]
    wanted = [[float(kl_divergence(p, q)) for q in normals] for p in normals]
    np.testing.assert_allclose(divergences(own), wanted, rtol=1e-10, atol=1e-12)


def test_equal_gaussians_do_not_diverge():
    one = gaussians(1, 6)
    both = Gaussians(np.repeat(one.means, 2, axis=0), np.repeat(one.covariances, 2, axis=0))
    np.testing.assert_allclose(divergences(both), 0.0, atol=1e-12)


def test_the_latent_space_is_that_of_the_principal_axes_of_all_samples():
    rng = np.random.default_rng(1)
    samples = rng.normal(size=(3, 50, 12)) * np.linspace(0.2, 3, 12) + rng.normal(size=(3, 1, 12))
    pca = PCA(4).fit(samples.reshape(150, 12))
    latent = pca.transform(samples.reshape(150, 12)).reshape(3, 50, 4)
    # scikit-learn divides by n - 1, the pooled covariance here by n.
    ridge = RIDGE * pca.explained_variance_.mean() * 149 / 150
    covariances = np.stack([np.cov(one.T) for one in latent]) + ridge * np.eye(4)
    wanted = divergences(Gaussians(latent.mean(axis=1), covariances))
    np.testing.assert_allclose(divergences(latent_gaussians(samples, 4)), wanted, rtol=1e-8, atol=1e-10)


def test_samples_that_are_all_the_same_image_do_not_diverge():
    found = divergences(latent_gaussians(np.full((3, 5, 8), 0.25, dtype=np.float32), 4))
    np.testing.assert_allclose(found, 0.0, atol=1e-12)


def test_weights_are_a_softmax_over_the_others():
    kl = np.array([[0.0, 1.0, 3.0], [2.0, 0.0, 2.0], [5.0, 0.5, 0.0]])
    weights = mixture_weights(kl, temperature=0.5)
    first = np.exp([-1.0 / 0.5, -3.0 / 0.5])
    np.testing.assert_allclose(weights[0], [0.0, *first / first.sum()])
    np.testing.assert_allclose(weights[1], [0.5, 0.0, 0.5])
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert (np.diagonal(weights) == 0.0).all()
    assert (np.diagonal(kl) == 0.0).all()


def test_weights_of_huge_divergences_still_sum_to_one():
    kl = np.array([[0.0, 1e6, 2e6], [1e9, 0.0, 1e9], [3e5, 3e5 + 1, 0.0]])
    weights = mixture_weights(kl, temperature=1.0)
    np.testing.assert_allclose(weights[:2], [[0, 1, 0], [0.5, 0, 0.5]])
    assert weights[2, 0] / weights[2, 1] == pytest.approx(np.e)


def test_a_warm_mixture_is_even_and_of_two_clients_each_gets_the_other():
    kl = np.abs(np.random.default_rng(2).normal(size=(5, 5)))
    np.testing.assert_allclose(mixture_weights(kl, 1e9)[0], [0, 0.25, 0.25, 0.25, 0.25])
    np.testing.assert_array_equal(mixture_weights(kl[:2, :2], 1.0), [[0, 1], [1, 0]])


def test_flops_of_one_size_worked_by_hand():
    # n = 6 samples of p = 10 values in d = 3: 2*6*100 + 2*6*10*3 + 9*1000.
    assert encoder_flops(6, 10, 3) == 1200 + 360 + 9000
    # N = 2 clients with M = 3 samples each: 2 (2*3*9 + 27/3) + 2 (27 + 3*9).
    assert divergence_flops(2, 3, 3) == 2 * (54 + 9) + 2 * 54

from __future__ import annotations

import torch

from engine.losses.boxes import distribution_focal_loss, expected_distances, side_distance_loss


def test_the_expected_distance_is_the_mean_bin_in_either_layout():
    weights = torch.zeros(1, 4, 5)
    weights[0, 0, 3] = weights[0, 1, 0] = 1
    weights[0, 2, 1] = weights[0, 2, 2] = 0.5
    weights[0, 3] = 0.2
    logits = (weights + 1e-12).log().flatten(1)
    expected = torch.tensor([[3, 0, 1.5, 2]])
    torch.testing.assert_close(expected_distances(logits), expected)
    columns = logits.T[None].repeat(2, 1, 3)
    torch.testing.assert_close(expected_distances(columns), expected.T.expand(2, 4, 3))


def test_the_focal_loss_is_least_where_the_two_bins_share_as_the_distance_does():
    points = torch.tensor([[10.0, 10.0]])
    target = torch.tensor([[7.75, 8.0, 11.5, 10.25]])  # distances 2.25, 2, 1.5, 0.25
    logits = torch.zeros(1, 4 * 6, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.2)
    for _ in range(300):
        optimizer.zero_grad()
        loss = distribution_focal_loss(logits, points, target).sum()
        loss.backward()
        optimizer.step()
    share = logits.detach().view(4, 6).softmax(1)
    expected = torch.tensor([[0.75, 0.25], [1, 0], [0.5, 0.5], [0.75, 0.25]])
    for side, (low, pair) in enumerate(zip([2, 2, 1, 0], expected, strict=True)):
        torch.testing.assert_close(share[side, low : low + 2], pair, atol=0.02, rtol=0)
    torch.testing.assert_close(
        expected_distances(logits.detach()), torch.tensor([[2.25, 2, 1.5, 0.25]]), atol=0.05, rtol=0
    )


def test_distances_beyond_the_bins_are_limited():
    far = distribution_focal_loss(
        torch.zeros(1, 64), torch.tensor([[50.0, 50.0]]), torch.tensor([[-999.0, 60, 99, 999]])
    )
    assert far.isfinite().all()
    assert distribution_focal_loss(
        torch.zeros(0, 64), torch.zeros(0, 2), torch.zeros(0, 4)
    ).shape == (0,)


def test_one_bin_is_the_distance_itself():
    values = torch.randn(2, 4, 5)
    assert expected_distances(values) is values


def test_side_distances_are_shares_of_the_image():
    points = torch.tensor([[2.5, 3.5], [1.0, 1.0]])
    truth = torch.tensor([[1.0, 1.0, 4.0, 6.0], [0.0, 0.0, 2.0, 2.0]])
    exact = torch.tensor([[1.5, 2.5, 1.5, 2.5], [1.0, 1.0, 1.0, 1.0]])
    size = torch.tensor([[8.0, 16.0], [4.0, 8.0]])
    assert side_distance_loss(exact, points, truth, size).tolist() == [0, 0]
    off = exact + torch.tensor([[2.0, 0.0, 0.0, -4.0], [0.0, 4.0, 0.0, 0.0]])
    found = side_distance_loss(off, points, truth, size)
    assert found.tolist() == [(2 / 8 + 4 / 16) / 4, 4 / 8 / 4]

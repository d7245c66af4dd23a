from __future__ import annotations

import numpy as np
import pytest

from ppocr.data.samplers import BatchSampler, EpochOrder, ShapeOrder, mix, shuffled
from ppocr.errors import ConfigError, DataError


@pytest.mark.parametrize("size", [1, 2, 3, 10, 4096, 4097, 5000, 65537])
def test_shuffled_is_a_permutation_and_random_access(size: int) -> None:
    found = shuffled(np.arange(size), size, 5)
    assert np.array_equal(np.sort(found), np.arange(size))
    some = np.array([0, size // 2, size - 1])
    assert np.array_equal(shuffled(some, size, 5), found[some])
    if size > 10:
        assert not np.array_equal(found, shuffled(np.arange(size), size, 6))


def test_numbers_are_mixed_as_published() -> None:
    """The first output of SplitMix64 with the state 0; the others are what running trainings were shuffled with."""
    assert mix(0) == 0xE220A8397B1DCDAF
    assert [mix(1, 2), mix(3, 5, 1), mix(-1)] == [0xBCD9DBB49673066B, 0x86244FEBFF484A82, 0xE4D971771B652C20]


def test_the_order_of_large_sets_is_that_of_runs_to_be_resumed() -> None:
    """It is whole numbers alone, hence the same on every machine and for ever."""
    assert shuffled(np.arange(0, 5000, 1000), 5000, 7).tolist() == [1834, 4269, 4762, 2221, 553]
    assert shuffled(np.array([0, 1, 9_999_999]), 10**7, mix(3, 5, 1)).tolist() == [5379139, 260096, 1846827]
    assert shuffled(np.array([0, 1, 4096]), 4097, 1).tolist() == [2230, 1079, 3650]
    order = EpochOrder([6000, 5000], [0.5, 1.0], seed=3)
    assert order.indices(2, np.array([0, 1, 2, 7999])).tolist() == [593, 5176, 2423, 9090]
    assert order.indices(3, np.array([0, 1, 2])).tolist() == [3078, 6533, 5939]


@pytest.mark.parametrize("size", [10, 4096])
def test_the_order_of_small_sets_is_made_again_alike(size: int) -> None:
    first = shuffled(np.arange(size), size, 5).tolist()
    for key in range(100, 200):  # more than are stored
        shuffled(np.arange(size), size, key)
    assert shuffled(np.arange(size), size, 5).tolist() == first


@pytest.mark.parametrize("size", [10, 5003])
def test_shuffled_is_uniform(size: int) -> None:
    """Where the first elements go, and whether neighbours stay together, over many keys."""
    keys, cells = 3000, 10
    found = np.array([shuffled(np.arange(3), size, mix(7, k)) for k in range(keys)])
    expected = keys / cells
    for column in (found[:, 0], found[:, 2], (found[:, 1] - found[:, 0]) % size):
        counts = np.bincount(column * cells // size, minlength=cells)
        if column is not found[:, 0] and size == 10 and counts[0] == 0:
            counts, wanted = counts[1:], keys / (cells - 1)  # a difference is never 0
        else:
            wanted = expected
        assert ((counts - wanted) ** 2 / wanted).sum() < 33.7  # chi-square, 9 degrees of freedom, p = 1e-4


def epoch_of(order: EpochOrder, epoch: int) -> np.ndarray:
    return order.indices(epoch, np.arange(len(order)))


def test_order_depends_on_seed_and_epoch_only() -> None:
    order, other = EpochOrder([30, 5000], seed=1), EpochOrder([30, 5000], seed=2)
    assert np.array_equal(np.sort(epoch_of(order, 3)), np.arange(5030))
    assert np.array_equal(epoch_of(order, 3), epoch_of(EpochOrder([30, 5000], seed=1), 3))
    assert not np.array_equal(epoch_of(order, 3), epoch_of(order, 4))
    assert not np.array_equal(epoch_of(order, 3), epoch_of(other, 3))
    assert np.array_equal(epoch_of(EpochOrder([3, 4], shuffle=False), 9), np.arange(7))


def test_a_ratio_draws_a_fresh_part_of_its_file_each_epoch() -> None:
    order = EpochOrder([100, 10], [0.3, 1.0], seed=1)
    first, second = set(epoch_of(order, 0)), set(epoch_of(order, 1))
    assert len(first) == len(second) == len(order) == 40
    assert set(range(100, 110)) <= first & second and first != second
    fixed = EpochOrder([100, 10], 0.3, shuffle=False, fresh=False)
    assert np.array_equal(epoch_of(fixed, 0), epoch_of(fixed, 1)) and len(fixed) == 33


@pytest.mark.parametrize("ratios", [[1.5], [0], ["half"], -0.1])
def test_a_ratio_that_is_no_share_is_an_error(ratios: object) -> None:
    with pytest.raises(ConfigError, match="ratio_list"):
        EpochOrder([10], ratios)


@pytest.mark.parametrize("world", [1, 2, 3, 4])
@pytest.mark.parametrize("samples", [1, 10, 23])
def test_eval_sees_every_sample_once_over_all_ranks(world: int, samples: int) -> None:
    order = EpochOrder([samples], shuffle=False)
    seen: list[int] = []
    for rank in range(world):
        sampler = BatchSampler(order, 4, train=False, drop_last=True, rank=rank, world_size=world)
        mine = [i for step in range(len(sampler)) for i in sampler.batch(1, step)]
        seen += mine
    assert sorted(seen) == list(range(samples))


@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize(("samples", "world"), [(23, 1), (23, 2), (25, 3), (24, 2), (9, 2)])
def test_training_gives_every_rank_equal_batches(samples: int, world: int, drop_last: bool) -> None:
    order = EpochOrder([samples], seed=4)
    samplers = [BatchSampler(order, 4, drop_last=drop_last, rank=r, world_size=world) for r in range(world)]
    assert len({len(s) for s in samplers}) == 1
    seen: list[int] = []
    for step in range(len(samplers[0])):
        batches = [s.batch(2, step) for s in samplers]
        assert len({len(b) for b in batches}) == 1
        seen += [i for b in batches for i in b]
    if drop_last:
        assert len(set(seen)) == len(seen) == samples // (4 * world) * 4 * world
    else:
        assert set(seen) == set(range(samples)) and len(seen) < samples + world


def test_a_batch_larger_than_the_set_is_an_error_with_a_hint() -> None:
    with pytest.raises(DataError, match=r"7 samples, fewer than one batch of 8.*batch_size_per_card=7"):
        BatchSampler(EpochOrder([7]), 8, drop_last=True)
    with pytest.raises(DataError, match="on each of 2 ranks"):
        BatchSampler(EpochOrder([7]), 4, drop_last=True, world_size=2)
    assert len(BatchSampler(EpochOrder([7]), 8)) == 1


def test_no_sample_is_an_error() -> None:
    with pytest.raises(DataError, match="no sample"):
        BatchSampler(EpochOrder([1], 0.1), 1, train=False)


@pytest.mark.parametrize("size", [1000, 5000])
def test_a_ratio_takes_other_lines_of_each_of_two_files_of_one_size(size: int) -> None:
    order = EpochOrder([size, size], 0.5, shuffle=False, seed=4)
    found = order.indices(1, np.arange(len(order)))
    first, second = found[: size // 2], found[size // 2 :] - size
    assert len(set(first)) == len(set(second)) == size // 2
    shared = len(set(first) & set(second)) / size
    assert 0.2 < shared < 0.3, "independent halves share a quarter"


def test_images_of_one_size_stand_together_large_ones_first() -> None:
    order = EpochOrder([5], shuffle=False)
    found = ShapeOrder(order, [(3, 8, 8), (3, 32, 16), (3, 8, 8), (3, 16, 32), (3, 64, 8)])
    assert len(found) == 5 and found.sizes == [5]
    assert found.indices(1, np.arange(5)).tolist() == found.indices(9, np.arange(5)).tolist() == [3, 1, 4, 0, 2]


@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("samples", [4, 8, 9, 23])
def test_no_batch_is_larger_than_another_or_says_how_large_images_are(samples: int, drop_last: bool) -> None:
    for train in (True, False):
        for rank in range(2):
            order = EpochOrder([samples], shuffle=train)
            sampler = BatchSampler(order, 2, drop_last=drop_last, train=train, rank=rank, world_size=2)
            assert [len(sampler.batch(1, step)) for step in range(len(sampler) - 1)] == [2] * (len(sampler) - 1)
            assert sampler.largest(1, 0) == 1.0 and not sampler.gives_sizes and sampler.image_size(1, 0) is None
    assert BatchSampler(EpochOrder([4], shuffle=False), 4).batch(1, 0).tolist() == [0, 1, 2, 3]


def test_without_a_seed_it_is_zero_and_ranks_take_turns() -> None:
    assert np.array_equal(epoch_of(EpochOrder([9]), 1), epoch_of(EpochOrder([9], seed=0), 1))
    order = EpochOrder([8], shuffle=False)
    assert [BatchSampler(order, 2, rank=r, world_size=2).batch(1, 1).tolist() for r in range(2)] == [[4, 6], [5, 7]]


def test_evaluation_keeps_its_part_of_a_file() -> None:
    still = EpochOrder([5000], 0.001, shuffle=False, seed=2, fresh=False)
    assert (
        epoch_of(still, 1).tolist()
        == epoch_of(still, 2).tolist()
        == shuffled(np.arange(5), 5000, mix(2, 0, 2, 0)).tolist()
    )


@pytest.mark.parametrize("sizes, ratios", [([30], 1.0), ([5000, 400], [0.5, 1.0])])
@pytest.mark.parametrize("world_size", [1, 3])
def test_samples_taken_earlier_by_a_rank(sizes: list[int], ratios: object, world_size: int) -> None:
    order = EpochOrder(sizes, ratios, seed=4)
    for rank in range(world_size):
        sampler = BatchSampler(order, 4, rank=rank, world_size=world_size)
        mine = [i for step in range(len(sampler)) for i in sampler.batch(1, step).tolist()][: len(order) // world_size]
        found = [row for step in range(len(sampler)) for row in sampler.earlier(1, step, 2).tolist()][: len(mine)]
        assert found == [[mine[i - 1] if i > 0 else -1, mine[i - 2] if i > 1 else -1] for i in range(len(mine))]


def test_nothing_is_taken_earlier_in_an_order_that_is_not_random() -> None:
    assert (BatchSampler(EpochOrder([9], shuffle=False), 4).earlier(1, 1, 2) == -1).all()
    assert BatchSampler(EpochOrder([9]), 4).earlier(1, 1, 0).shape == (4, 0)


def test_a_sample_that_fills_the_last_batch_is_the_same_there() -> None:
    """It is what (seed, epoch, index) makes of it, wherever it stands."""
    first, last = (BatchSampler(EpochOrder([10], seed=2), 2, rank=rank, world_size=3) for rank in (1, 2))
    assert first.batch(1, 0)[0] == last.batch(1, 1)[1]
    assert first.earlier(1, 0, 1)[0] == last.earlier(1, 1, 1)[1] == -1

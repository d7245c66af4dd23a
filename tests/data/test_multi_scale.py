"""Batches of several image sizes: which there are, who is in them, and that they can be gone on with anywhere."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ppocr.data.loader import build_loader
from ppocr.data.multi_scale_dataset import MultiScaleDataSet
from ppocr.data.multi_scale_sampler import MultiScaleSampler, scales_of, sizes_of
from ppocr.data.samplers import EpochOrder
from ppocr.data.transforms.base import Pipeline
from ppocr.errors import ConfigError, DataError
from ppocr.registry import SAMPLERS
from tests.data.helpers import section

OFFICIAL = {"scales": [[320, 32], [320, 48], [320, 64]], "first_bs": 128, "fix_bs": False, "divided_factor": [8, 16]}
SMALL = {"name": "MultiScaleSampler", "scales": [[64, 32], [64, 48], [64, 64]], "first_bs": 4, "fix_bs": False}


def sampler_of(samples: int = 1000, **options: Any) -> MultiScaleSampler:
    options = {**OFFICIAL, "seed": 3, **options}
    return MultiScaleSampler(order=EpochOrder([samples], seed=options["seed"]), **options)


def batches_of(sampler: MultiScaleSampler, epoch: int = 1) -> list[tuple[tuple[int, int], list[int]]]:
    return [(sampler.image_size(epoch, s), sampler.batch(epoch, s).tolist()) for s in range(len(sampler))]


def counted(sampler: MultiScaleSampler, epoch: int = 1) -> Counter:
    """Return how many batches there are of each (height, width, images)."""
    return Counter((*size, len(samples)) for size, samples in batches_of(sampler, epoch))


@pytest.mark.parametrize(
    "samples, options, expected",
    [
        (1000, {}, {(32, 320, 128): 4, (48, 320, 85): 4, (64, 320, 64): 4}),
        (277, {}, {(32, 320, 128): 1, (48, 320, 85): 1, (64, 320, 64): 1}),
        (278, {}, {(32, 320, 128): 2, (48, 320, 85): 2, (64, 320, 64): 2}),
        (10, {}, {(32, 320, 20): 1, (48, 320, 10): 1, (64, 320, 10): 1}),
        (1000, {"fix_bs": True}, {(32, 320, 128): 3, (48, 320, 128): 3, (64, 320, 128): 3}),
        (300, {"is_training": False}, {(32, 320, 128): 3}),
        (200, {"scales": [[100, 40], 60], "first_bs": 100}, {(32, 96, 130): 1, (48, 56, 148): 1}),
        (90, {"scales": [50, 64], "first_bs": 30}, {(48, 48, 32): 2, (64, 64, 18): 2}),
    ],
)
def test_sizes_and_batches_are_those_of_the_official_rule(samples: int, options: dict, expected: dict) -> None:
    sampler = sampler_of(samples, **options)
    assert counted(sampler) == counted(sampler, 7) == expected
    assert len(sampler) == sum(expected.values())


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("samples", [5, 277, 1000])
@pytest.mark.parametrize("by_ratio", [False, True])
def test_every_sample_is_seen_and_ranks_go_together(world: int, samples: int, by_ratio: bool) -> None:
    ratios = np.random.default_rng(0).uniform(0.5, 12, samples).astype(np.float32) if by_ratio else None
    ranks = [sampler_of(samples, rank=r, world_size=world, line_ratios=ratios) for r in range(world)]
    for epoch in (1, 2):
        found = [batches_of(sampler, epoch) for sampler in ranks]
        assert {i for batches in found for _, batch in batches for i in batch} == set(range(samples))
        for step in zip(*found):
            assert len({(size[0], len(batch)) for size, batch in step}) == 1
    if not by_ratio and samples % world == 0:
        seen = [{i for _, batch in batches for i in batch} for batches in found]
        assert sum(map(len, seen)) == samples


def test_order_and_sizes_depend_on_seed_and_epoch_only() -> None:
    sampler = sampler_of()
    assert batches_of(sampler, 2) == batches_of(sampler_of(), 2)
    assert [size for size, _ in batches_of(sampler, 1)] != [size for size, _ in batches_of(sampler, 2)]
    assert batches_of(sampler, 1) != batches_of(sampler_of(seed=4), 1)
    back = sampler_of()
    assert [back.batch(2, s).tolist() for s in (5, 0, 11)] == [batches_of(sampler, 2)[s][1] for s in (5, 0, 11)]


def test_lines_alike_share_a_batch_and_its_width_follows_them() -> None:
    ratios = np.random.default_rng(1).uniform(0.3, 20, 1000).astype(np.float32)
    sampler = sampler_of(1000, line_ratios=ratios, max_w=480.0)
    spreads = []
    for (height, width), batch in batches_of(sampler):
        mean = float(ratios[batch].mean())
        assert width == height * max(1, round(min(mean, 480 / height)))
        spreads.append(np.ptp(ratios[batch]))
    assert max(spreads) < 4, "no batch has both narrow and wide lines"
    assert counted(sampler) and {h for h, _, _ in counted(sampler)} == {32, 48, 64}
    assert batches_of(sampler, 1) != batches_of(sampler, 2)
    narrow = sampler_of(1000, line_ratios=np.full(1000, 0.2, np.float32))
    assert all(height == width for (height, width), _ in batches_of(narrow))


@pytest.mark.parametrize("world", [1, 3])
def test_evaluation_sees_every_sample_once(world: int) -> None:
    ranks = [sampler_of(301, train=False, rank=r, world_size=world) for r in range(world)]
    seen = [i for sampler in ranks for _, batch in batches_of(sampler) for i in batch]
    assert sorted(seen) == list(range(301))


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"scales": []}, "scales"),
        ({"scales": [[320]]}, "scales.0: expected an int .* or a list of 2 ints"),
        ({"scales": [[320, 8]]}, "smaller than divided_factor"),
        ({"scales": [[320, 32]], "first_bs": 0}, "first_bs"),
        ({"scales": [[320, 32]], "divided_factor": [8]}, "divided_factor"),
    ],
)
def test_wrong_values_are_refused(wrong: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        SAMPLERS.build({"name": "MultiScaleSampler", **wrong}, order=EpochOrder([5]))


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lines of several widths, and their label file with and without sizes."""
    folder = tmp_path_factory.mktemp("lines")
    rng = np.random.default_rng(0)
    rows, sized = [], []
    for i in range(23):
        width = 30 + 20 * (i % 7)
        cv2.imwrite(str(folder / f"{i}.png"), rng.integers(0, 255, (24, width, 3)).astype(np.uint8))
        rows.append(f"{i}.png\tab{i}\n")
        sized.append(f"{i}.png\tab{i}\t{width}\t24\n")
    (folder / "labels.txt").write_text("".join(rows), encoding="utf-8")
    (folder / "sized.txt").write_text("".join(sized), encoding="utf-8")
    return folder


def loader_of(folder: Path, *, file: str = "labels.txt", sampler: Any = SMALL, workers: int = 0, **options: Any) -> Any:
    keep = {"keep_keys": ["image", "valid_ratio"]}
    specs: list[Any] = [{"DecodeImage": {"img_mode": "BGR"}}, {"RecAug": None}, {"KeepKeys": keep}]
    dataset = {"name": "MultiScaleDataSet", **options}
    specs = MultiScaleDataSet.complete_transforms(specs, dataset, SMALL)
    asked = section(folder, [str(folder / file)], num_workers=workers)
    asked.dataset.update(dataset)
    asked.sampler = sampler
    return build_loader(asked, Pipeline.from_config(specs, {}), mode="train", seed=5)


def arrays(batches: Any) -> list[tuple[list[int], np.ndarray, np.ndarray]]:
    return [(b["index"].tolist(), b["image"].numpy(), b["valid_ratio"].numpy()) for b in batches]


def equal(a: list, b: list) -> bool:
    return len(a) == len(b) and all(
        x[0] == y[0] and np.array_equal(x[1], y[1]) and np.array_equal(x[2], y[2]) for x, y in zip(a, b)
    )


@pytest.mark.parametrize("options", [{}, {"file": "sized.txt", "ds_width": True}], ids=["scales", "widths"])
def test_images_have_the_size_of_their_batch_and_any_step_can_be_the_first(lines: Path, options: dict) -> None:
    loader = loader_of(lines, **options)
    whole = arrays(loader.epoch(3))
    assert [image.shape[2:] for _, image, _ in whole] == [loader.sampler.image_size(3, s) for s in range(len(loader))]
    assert len({image.shape[2:] for _, image, _ in whole}) >= 3
    assert {i for indices, _, _ in whole for i in indices} == set(range(23))
    for start in (1, len(loader) - 1):
        assert equal(arrays(loader_of(lines, **options).epoch(3, start)), whole[start:])
    with_workers = loader_of(lines, workers=2, **options)
    try:
        assert equal(arrays(with_workers.epoch(3)), whole)
        assert not equal(arrays(with_workers.epoch(4)), whole)
    finally:
        with_workers.close()


def test_labels_end_before_the_size(lines: Path) -> None:
    for file in ("labels.txt", "sized.txt"):
        dataset = loader_of(lines, file=file).dataset
        assert [dataset.read(i, 0)["label"] for i in (0, 7)] == ["ab0", "ab7"]


def test_sections_that_do_not_fit_are_refused(lines: Path) -> None:
    with pytest.raises(DataError, match=r"labels.txt:1: ds_width needs the width and height"):
        loader_of(lines, ds_width=True)
    with pytest.raises(ConfigError, match="the loader does not say how large images are, but MultiScaleDataSet needs"):
        loader_of(lines, sampler=None)
    with pytest.raises(ConfigError, match="no sampler says"):
        MultiScaleDataSet.complete_transforms([], {}, None)
    with pytest.raises(ConfigError, match="leave RecResizeImg out"):
        MultiScaleDataSet.complete_transforms([{"RecResizeImg": {}}, "KeepKeys"], {}, SMALL)
    asked = section(lines)
    asked.sampler = SMALL
    with pytest.raises(ConfigError, match="MultiScaleSampler says how large images are, and SimpleDataSet takes no"):
        build_loader(asked, Pipeline([]), mode="train", seed=1)


def test_defaults_are_the_official_ones() -> None:
    assert scales_of([[320, 32]]) == [(320, 32, 128)] == MultiScaleSampler([[320, 32]], order=EpochOrder([9]))._scales
    assert scales_of([[327, 47], [320, 64]]) == [(320, 32, 128), (320, 64, 128)]
    sampler = MultiScaleSampler([[327, 47]], order=EpochOrder([9]))
    assert (sampler.seed, sampler.rank, sampler.max_w) == (0, 0, 480.0)


def test_the_smallest_values_are_one() -> None:
    assert scales_of([[1, 1]], 1, True, [1, 1]) == [(1, 1, 1)]
    smallest: dict[str, Any] = {"scales": [[1, 1]], "first_bs": 1, "divided_factor": [1, 1]}
    for wrong in (
        {"scales": [[1, 0]]},
        {"scales": [[1, 1], [1, 1, 1]]},
        {"first_bs": 0},
        {"divided_factor": [0, 1]},
        {"scales": []},
    ):
        with pytest.raises(ConfigError, match=f"MultiScaleSampler.{next(iter(wrong))}"):
            SAMPLERS.build({"name": "MultiScaleSampler", **smallest, **wrong}, order=EpochOrder([5]))
    assert scales_of([[8, 16], [64, 64]], 1, False) == [(8, 16, 1), (64, 64, 1)]


def test_the_mean_batch_and_the_samples_are_those_of_an_epoch() -> None:
    sampler = sampler_of(1000)
    sizes = [len(sampler.batch(1, step)) for step in range(len(sampler))]
    assert sampler.samples == sum(sizes) and sampler.batch_size == round(np.mean(sizes))


@pytest.mark.parametrize("ratios", [False, True])
def test_the_largest_batch_of_an_epoch_is_known_from_any(ratios: bool) -> None:
    """It bounds the pixels of every batch; without widths by ratio it is reached."""
    options = {"line_ratios": np.linspace(0.5, 30, 1000)} if ratios else {}
    sampler = sampler_of(1000, **options)
    pixels = []
    for step in range(len(sampler)):
        height, width = sampler.image_size(1, step)
        pixels.append(height * width * len(sampler.batch(1, step)))
    bounds = {round(sampler.largest(1, step) * pixels[step]) for step in range(len(sampler))}
    assert len(bounds) == 1 and max(pixels) <= bounds.pop() <= (2 if ratios else 1) * max(pixels)


def test_batches_of_lines_stay_within_the_set_and_ranks_take_turns() -> None:
    order, ratios = EpochOrder([11], shuffle=False), np.arange(1, 12, dtype=float)
    options = {"scales": [[32, 32]], "first_bs": 2, "order": order, "line_ratios": ratios, "world_size": 2}
    seen = [
        sorted(int(i) for step in range(len(sampler)) for i in sampler.batch(1, step))
        for sampler in (MultiScaleSampler(rank=rank, **options) for rank in range(2))
    ]
    assert set(seen[0]) == {0, 2, 4, 6, 8, 10} and set(seen[1]) == {1, 3, 5, 7, 9, 10}


def test_a_set_of_one_image_is_enough_and_an_empty_one_is_an_error() -> None:
    assert sampler_of(1, scales=[[320, 32]], first_bs=1).batch(1, 0).tolist() == [0]
    with pytest.raises(DataError, match="no sample"):
        sampler_of(0)


def test_the_sizes_of_a_section_are_those_of_its_sampler() -> None:
    section = {"name": "MultiScaleSampler", **OFFICIAL, "scales": [[100, 33], [50, 50]], "ratio_wh": 0.8}
    assert sizes_of(section) == [(32, 96), (48, 48)]
    assert sizes_of({**section, "divided_factor": [10, 10]}) == [(30, 100), (50, 50)]
    assert sizes_of({**section, "is_training": False}) == [(33, 100)]
    MultiScaleSampler(**{k: v for k, v in section.items() if k not in ("name", "ratio_wh")}, order=EpochOrder([4]))


def test_batches_are_equally_large_by_default() -> None:
    options = {key: value for key, value in OFFICIAL.items() if key != "fix_bs"}
    sampler = MultiScaleSampler(order=EpochOrder([1000], seed=3), seed=3, **options)
    assert {images for *_, images in counted(sampler)} == {128}


def test_a_sampler_that_does_not_train_visits_its_batches_in_order() -> None:
    sampler = sampler_of(600, is_training=False, train=True)
    expected = EpochOrder([600], seed=3).indices(1, np.arange(600)).tolist()
    assert [sample for _, batch in batches_of(sampler) for sample in batch][:600] == expected
    training = sampler_of(600)
    assert [sample for _, batch in batches_of(training) for sample in batch][:600] != expected


def test_three_processes_take_turns_through_the_order_of_an_epoch() -> None:
    expected = EpochOrder([90], seed=3).indices(1, np.arange(90))
    for rank in range(3):
        sampler = sampler_of(90, scales=[[64, 32]], first_bs=30, is_training=False, rank=rank, world_size=3)
        assert [batch for _, batch in batches_of(sampler)] == [expected[rank::3].tolist()]


@pytest.mark.parametrize("world", [1, 2])
def test_samples_taken_earlier_follow_the_epochs_order(world: int) -> None:
    order = EpochOrder([300], seed=3).indices(1, np.arange(300)).tolist()
    for rank in range(world):
        sampler = sampler_of(300, rank=rank, world_size=world)
        for step in range(len(sampler)):
            for index, (before,) in zip(sampler.batch(1, step).tolist(), sampler.earlier(1, step, 1).tolist()):
                place = order.index(index) - world
                assert before == (order[place] if place >= 0 else -1)


def test_neighbours_among_sorted_lines_are_no_random_choice() -> None:
    sampler = sampler_of(50, line_ratios=np.linspace(1, 9, 50, dtype=np.float32))
    assert (sampler.earlier(1, 0, 2) == -1).all() and sampler.earlier(1, 0, 2).shape == (len(sampler.batch(1, 0)), 2)

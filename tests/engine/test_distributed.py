"""What ranks share: the statistics a checkpoint holds, and an output folder all of them try at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import paddle
import pytest
from paddle import nn

from ppocr.engine import distributed
from ppocr.engine.distributed import World
from ppocr.engine.output_folder import check_folder


def test_ranks_share_the_statistics_a_checkpoint_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Sequential(nn.Conv2D(3, 4, 1), nn.BatchNorm2D(4), nn.LSTM(4, 4))
    network.register_buffer("constant", paddle.ones([2]), persistable=False)
    shared: list[paddle.Tensor] = []
    monkeypatch.setattr(distributed.dist, "broadcast", lambda tensor, src: shared.append(tensor))
    World(size=2).share_statistics(network)
    assert [id(t) for t in shared] == [id(t) for t in (network[1]._mean, network[1]._variance)]  # not _dropout_state


def test_ranks_may_try_the_output_folder_at_the_same_time(tmp_path) -> None:
    with ThreadPoolExecutor(4) as ranks:
        assert set(ranks.map(lambda _: check_folder(tmp_path / "out"), range(400))) == {tmp_path / "out"}
    assert not list(tmp_path.iterdir())

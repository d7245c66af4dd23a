"""What the training and evaluation commands do, from a checked configuration to the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import paddle

from ppocr.build import build_task
from ppocr.config.schema import Config
from ppocr.data.loader import BatchLoader, build_loader
from ppocr.engine.amp import MixedPrecision
from ppocr.engine.checkpoint_manager import CheckpointManager
from ppocr.engine.device import choose_device, choose_threads, describe
from ppocr.engine.distributed import World, join_world, synchronise_batch_norm
from ppocr.engine.evaluator import Evaluation, evaluate, report
from ppocr.engine.folder_lock import hold_folder
from ppocr.engine.log import close_log, get_logger, log_into, log_to_file, set_up_logging
from ppocr.engine.output_folder import CONFIG_FILE, check_folder, prepare_folder, recover_folder
from ppocr.engine.resume import plan_schedule, tell_differences
from ppocr.engine.resume_states import resumable, warn_of_another_schedule
from ppocr.engine.rng import choose_seed, make_deterministic, seed_model
from ppocr.engine.start import find_start, start_optimizer, start_weights, trained_task
from ppocr.engine.stop import Stopped
from ppocr.engine.trainer import Best, DataLoaders, Trainer
from ppocr.engine.trainer_state import restore_trainer
from ppocr.errors import ConfigError, PpocrError, Problem
from ppocr.failures import inside, located, running
from ppocr.optimizer import build_optimizer
from ppocr.pretrained.catalogue import same_network


def train(cfg: Config) -> Best:
    """Train as configured and return the best evaluation.

    Raises:
        PpocrError: any failure a user can fix.
    """
    if cfg.Train is None:
        raise ConfigError([Problem(cfg.where("Train"), "Train", "the section is missing; training needs it")])
    device = choose_device(cfg.Global, cfg.where("Global.use_gpu"))
    folder = check_folder(cfg.Global.save_model_dir)
    world = join_world()
    set_up_logging(rank=world.rank, hold=True)
    try:
        if world.first:
            recover_folder(folder)
        world.barrier()
        # optimizer states go by Paddle's names of the parameters, which count on through a process
        with paddle.utils.unique_name.guard():
            trainer = _start(cfg, folder, world, device)
            with running(trainer.task.parts(), cfg.where):
                best = trainer.fit()
        world.close()
        return best
    except Exception as error:
        if world.watchdog is not None and not isinstance(error, Stopped):
            world.watchdog.report(f"{type(error).__name__}: {error}")
        if world.first:
            log_to_file(f"{type(error).__name__}: {error}")
        raise
    finally:
        close_log()


def _start(cfg: Config, folder: Path, world: World, device: str) -> Trainer:
    """Build what trains; only when that has worked, on all ranks, is anything in the output folder touched."""
    assert cfg.Train is not None  # train() refuses a configuration without it
    settings = cfg.Global
    threads = choose_threads(world.local_size, cfg.Train.loader.num_workers)
    get_logger().info(describe(device, threads))
    if settings.deterministic:
        make_deterministic()
    start, how = find_start(settings, lambda: same_network(cfg.Architecture))
    seed = world.from_first(_seed(settings, start if how == "resume" else None))
    seed_model(seed)
    get_logger().info(f"seed {seed}; {world.size} process{'es' if world.together else ''}")

    task = build_task(cfg, "train")
    if start is not None and how == "resume":
        start = resumable(start, task.main_indicator)
    start_weights(task, start, how, classes_of(settings.pretrained_dict_path, task))
    if settings.use_sync_bn:
        task.model = synchronise_batch_norm(task.model, world)
    loaders = DataLoaders(data_loader(cfg, task, world, "train", seed))
    if cfg.Eval is not None:
        loaders.eval = data_loader(cfg, task, world, "eval")
    resumed = start if how == "resume" else None
    plan = plan_schedule(cfg, -(-len(loaders.train) // max(1, settings.accumulate_steps)), resumed)
    with located(cfg.where), inside("Optimizer"):
        optimizer, scheduler = build_optimizer(
            {**cfg.Optimizer, "lr": plan.lr},
            task.model,
            epochs=plan.epochs,
            steps_per_epoch=plan.steps_per_epoch,
            freeze=settings.freeze,
            param_groups=settings.param_groups,
        )
    facts = {"config_sha256": cfg.sha256(), "config": cfg.to_dict(), "schedule": plan.facts()}
    checkpoints = CheckpointManager(settings.save_model_dir, keep_last=settings.keep_last or 0, facts=facts)
    trainer = Trainer(task, loaders, (optimizer, scheduler), settings, checkpoints, world=world, seed=seed)
    if resumed is not None:
        tell_differences(cfg, resumed)
        start_optimizer(trainer.optimizer, scheduler, trainer.task.model, resumed, settings.resume_lr)
        restore_trainer(trainer, resumed.states)
    plan.apply(scheduler)
    if resumed is not None:
        rate = float(trainer.optimizer.get_lr())
        get_logger().info(f"resumed: learning rate {rate:.6g} (Global.resume_lr={settings.resume_lr})")
        warn_of_another_schedule(resumed, trainer.steps_per_epoch, rate)
    world.barrier()  # no rank has anything left to read in the folder, or to fail at
    goes_on = False
    if world.first:
        goes_on = prepare_folder(folder, resumed, overwrite=settings.overwrite)
        hold_folder(log_into(folder).stream)
        cfg.dump(folder / CONFIG_FILE)
    if world.from_first(goes_on):
        trainer.restore_periodic()
    return trainer


def classes_of(path: str | None, task: Any) -> list[str] | None:
    """Return the classes a head trained with another dictionary has, or None without one."""
    codec = getattr(task.postprocess, "codec", None)
    if path is None or codec is None:
        return None
    return list(codec.with_dictionary(path).classes)


def _seed(settings: Any, resumed: Any) -> int:
    """Return the seed of the run: a resumed one keeps its own."""
    if resumed is None or "seed" not in (resumed.states or {}):
        return choose_seed(settings.seed)
    kept = int(resumed.states["seed"])
    if settings.seed not in (None, kept):
        get_logger().warning(f"Global.seed={settings.seed} is not used: the resumed run keeps its seed {kept}")
    return kept


def data_loader(cfg: Config, task: Any, world: World, mode: str, seed: int = 0) -> BatchLoader:
    """Return the loader of this rank's share of the data set of a mode, "train" or "eval"."""
    name = mode.capitalize()
    with located(cfg.where), inside(name):
        return build_loader(
            getattr(cfg, name),
            getattr(task, f"{mode}_pipeline"),
            mode=mode,
            seed=seed,
            rank=world.rank,
            world_size=world.size,
            # in training the trainer keeps to the limit: it saves what is trained before it ends
            max_bad_ratio=1.0 if mode == "train" else cfg.Global.max_bad_ratio,
        )


def evaluate_weights(cfg: Config) -> Evaluation:
    """Evaluate `Global.checkpoints` or `Global.pretrained_model` and print the result.

    Raises:
        ConfigError: no weights are named.
        CheckpointError: the weights are not all there.
    """
    settings = cfg.Global
    device = choose_device(settings, cfg.where("Global.use_gpu"))
    world = join_world()
    set_up_logging(rank=world.rank)
    get_logger().info(describe(device, choose_threads(world.local_size, cfg.Eval.loader.num_workers)))
    try:
        task = trained_task(cfg, "eval")
        precision = MixedPrecision(settings)
        with running(task.parts(), cfg.where):
            found = evaluate(task, data_loader(cfg, task, world, "eval"), world=world, autocast=precision.autocast)
        if world.first:
            report(found)
            for name, value in found.metrics.items():
                get_logger().info(f"{name}: {value}")
        world.close()
        return found
    except PpocrError as error:
        if world.watchdog is not None:
            world.watchdog.report(str(error))
        raise

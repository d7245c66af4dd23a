"""The sections whose keys are fixed: `Global` and the loaders. A field's comment is its documentation."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

from pydantic import Field

from ppocr.config.ranges import (
    Channels,
    Count,
    Length,
    NonNegative,
    Oov,
    Pixels,
    Positive,
    Probability,
    Seed,
    Side,
    SideOrFree,
    TextDirection,
    Whole,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Unused:
    """Marks an official key that changes nothing here, and says why."""

    why: str


Unneeded = Annotated[T, Unused("no algorithm here uses it")]


@dataclass
class GlobalSection:
    """The `Global` section; official keys first, ours after them."""

    # the run
    epoch_num: Count = 1  # epochs to train
    save_model_dir: str = "./output"  # checkpoints, config.yml and train.log
    save_epoch_step: Whole = 1  # keep iter_epoch_N every so many epochs; 0: never
    eval_batch_step: Whole | list[Whole] = 0  # evaluate every N steps, or [start, N]; 0: never
    eval_batch_epoch: Count | None = None  # evaluate every so many epochs instead
    calc_epoch_interval: Annotated[Count, Unused("metrics are computed whenever they are asked for")] = 1
    cal_metric_during_train: bool = False  # score training batches too
    print_batch_step: Count = 10  # steps between log lines
    log_smooth_window: Count = 20  # steps the logged losses are averaged over
    pretrained_model: str | None = None  # weights to start from
    checkpoints: str | None = None  # run to go on with, exactly; wins over pretrained_model
    # devices
    use_gpu: bool = True  # a GPU, or an error saying how to do without
    use_xpu: bool = False  # a Kunlun device
    use_npu: bool = False  # an Ascend device
    use_mlu: bool = False  # a Cambricon device
    use_gcu: bool = False  # an Enflame device
    distributed: bool = False  # official: nothing depends on it, the launcher decides
    use_sync_bn: bool = False  # batch statistics over all ranks
    find_unused_parameters: bool = False  # for networks whose steps do not use all parameters
    # mixed precision
    use_amp: bool = False  # compute in amp_dtype where it is safe
    amp_level: Literal["O0", "O1", "O2"] = "O1"  # O1: by operator; O2: the whole network
    amp_dtype: Literal["float16", "bfloat16"] = "float16"  # or bfloat16
    amp_custom_white_list: list[str] = field(default_factory=list)  # operators always in amp_dtype
    amp_custom_black_list: list[str] = field(default_factory=list)  # operators never in amp_dtype
    scale_loss: Positive = 1.0  # first loss scale
    use_dynamic_loss_scaling: bool = False  # adapt the loss scale
    plugins: list[str] | None = None  # folders with classes of your own, imported before anything is looked up
    # text
    character_dict_path: str | None = None  # dictionary; none: digits and lower-case letters
    character_type: Annotated[str | None, Unused("the dictionary says which characters there are")] = None
    max_text_length: Length | None = None  # longest label in characters
    max_text_nums: Unneeded[Count | None] = None  # most texts in an image (end-to-end)
    use_space_char: bool = False  # the space is a character of its own
    rec_char_dict_path: Unneeded[str | None] = None  # tokenizer of formula recognition
    rm_symbol: bool | None = None  # compare without symbols (SAR)
    label_list: list[str] | None = None  # classes of a classifier
    box_format: Unneeded[str | None] = None  # of table cells
    max_seq_len: Unneeded[Count | None] = None  # of formulas
    max_new_tokens: Unneeded[Count | None] = None  # of formulas
    input_size: Unneeded[list[SideOrFree] | None] = None  # of formula images
    num_heads: Unneeded[Count | None] = None  # SRN's attention heads
    tcl_len: Unneeded[Count | None] = None  # end-to-end: points on a centre line
    valid_set: Unneeded[str | None] = None  # end-to-end: which benchmark's rules
    infer_visual_type: Unneeded[str | None] = None  # end-to-end: script of drawn texts
    training_step: Annotated[str | None, Unused("Optimizer.training_step is used")] = None  # of VisionLAN
    allow_resize_largeImg: Unneeded[bool | None] = None  # whether very large images may be scaled down
    class_path: Unneeded[str | None] = None  # classes of key information extraction
    img_scale: Unneeded[list[Side] | None] = None  # its image size
    kie_det_model_dir: Unneeded[str | None] = None  # its detector
    kie_rec_model_dir: Unneeded[str | None] = None  # its recogniser
    load_static_weights: Annotated[bool, Unused("weights of static graphs are recognised by themselves")] = False
    start_ema: Annotated[bool, Unused("weights are not averaged")] = False  # average the weights over steps
    # prediction and export
    infer_mode: Annotated[bool, Unused("the commands that predict need no key for it")] = False
    infer_img: str | None = None  # image, folder or list file to predict
    infer_list: str | None = None  # list of images below infer_img
    save_res_path: str | None = None  # results file of the prediction tools
    save_inference_dir: str | None = None  # where the exported model goes
    d2s_train_image_shape: list[SideOrFree] | None = None  # official: shape of static-graph training
    model_name: str | None = None  # name written to inference.yml
    # logging
    use_visualdl: bool = False  # scalars and sample images for VisualDL
    debug: Annotated[bool, Unused("the command's argument --debug shows tracebacks")] = False  # official
    # ours
    infer_resize: Literal["deployment", "evaluation"] = "deployment"  # of the infer tools: aspect ratio kept, or not
    seed: Seed | None = None  # random numbers of the whole run; none: drawn and logged
    deterministic: bool = False  # only operators whose result does not vary from run to run
    accumulate_steps: Count = 1  # batches whose gradients make one step
    freeze: list[str] = field(default_factory=list)  # parameter name patterns that are not trained
    param_groups: list[dict[str, Any]] = field(default_factory=list)  # {params, lr_factor, weight_decay} by pattern
    resume_lr: Literal["keep", "override"] = "keep"  # resuming keeps the run's learning rate or takes the config's
    overwrite: bool = False  # a new run drops the files of another one in save_model_dir, instead of moving them
    keep_last: Whole | None = None  # how many iter_epoch_N to keep; none: all
    max_bad_ratio: Probability = 0.01  # share of unreadable samples that ends the run
    oov: Oov = "drop"  # what to do about characters outside the dictionary
    text_direction: TextDirection | None = None  # none: by the dictionary's path
    max_image_pixels: Pixels | None = None  # images with more are not decoded
    pretrained_dict_path: str | None = None  # dictionary of pretrained_model, where its file does not hold it
    export_ir: Literal["new", "old"] = "new"  # new (inference.json) or old (inference.pdmodel)
    export_onnx: bool = False  # also write inference.onnx; needs paddle2onnx
    strict: bool = True  # false: unknown keys are warnings


@dataclass
class OptimizerSection:
    """The keys of `Optimizer` that `ppocr.optimizer.build_optimizer` reads, beside those of the optimizer's class."""

    lr: dict[str, Any]  # the learning-rate schedule
    regularizer: dict[str, Any] | None = None  # see RegularizerSection
    clip_norm: Positive | None = None  # largest norm of the gradient of each parameter alone
    clip_norm_global: Positive | None = None  # the same of all gradients together
    group_lr: bool = False  # VisionLAN: groups of parameters learn at rates of their own
    training_step: str = ""  # VisionLAN: LF_1, LF_2 or LA


@dataclass
class ScheduleSection:
    """The keys of `Optimizer.lr` beside those of the schedule's class."""

    name: str = "Const"
    epochs: int = 0  # official, as the next; the run's own numbers are used
    step_each_epoch: int = 0


@dataclass
class RegularizerSection:
    """The section `Optimizer.regularizer`."""

    name: Literal["L1", "L2"]
    factor: NonNegative = 0.0


@dataclass
class ArchitectureSection:
    """The keys of `Architecture` beside the sections of its parts."""

    model_type: str = ""  # which of the parts that share a name are meant
    algorithm: str | None = None  # official: the parts say it
    name: str | None = None  # of the class; none: BaseModel
    in_channels: Channels = 3  # of the images
    return_all_feats: bool = False  # predictions hold the features of every part too


@dataclass
class InnerArchitectureSection(ArchitectureSection):
    """The keys of a network among several, beside the sections of its parts."""

    pretrained: str | None = None  # weights it starts from
    freeze_params: bool = False  # it is not trained


@dataclass
class LoaderSection:
    """The `loader` section of `Train` and `Eval`."""

    batch_size_per_card: Annotated[int, Field(ge=1, le=1000000)] = 1  # images each process reads for a step
    shuffle: bool = False  # in an order drawn from (seed, epoch)
    drop_last: bool = False  # leave out the last batch of an epoch if it is smaller
    num_workers: Whole = 0  # processes that prepare images; 0: the training process itself
    use_shared_memory: bool | None = None  # how workers hand over batches; none: if there is room
    collate_fn: str | None = None  # how samples become a batch, where stacking is not enough
    num_sections: Unneeded[Count | None] = None  # for the collate function


@dataclass
class TransformsSection:
    """The key of `dataset` beside those of the data set's class."""

    transforms: list[Any] = field(default_factory=list)


@dataclass
class DataSection:
    """`Train` or `Eval`.

    Args:
        dataset: the data set's keys, `name` and `transforms` among them.
        loader: how it is read.
        sampler: the sampler's keys, or None.
    """

    dataset: dict[str, Any]
    loader: LoaderSection
    sampler: dict[str, Any] | None = None


RUN_KEYS = {each.name for each in fields(ScheduleSection)} - {"name"}

# Why keys are unused; each that asks for something is warned about. What is neither here nor in `FULFILLED` is used
# (tests/config/test_unused_keys.py reads the code).
UNUSED = {
    name: mark.why
    for section in (GlobalSection, LoaderSection)
    for name, kind in get_type_hints(section, include_extras=True).items()
    for mark in getattr(kind, "__metadata__", ())
    if isinstance(mark, Unused)
}
# Official keys whose wish is fulfilled without them: the launcher decides about processes, export measures its shapes.
FULFILLED = ("distributed", "d2s_train_image_shape")

"""Convert a program to ONNX and run it in Paddle: a script by itself, for an interpreter that has paddle2onnx.

That package ends the process where it lacks an operator, and needs an older onnx than we do; so it is run by
`ppocr.deploy.onnx` in a process, and perhaps an environment, of its own. Nothing of ppocr is imported here.

Arguments: program, parameter file, folder, opset. In the folder, `inputs.npz` holds arrays named "<batch>.<input>";
`model.onnx` and `outputs.npz`, with arrays named "<batch>.<index of the output>", are written there.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

# paddle2onnx registers converters under these operators' names in the old IR, or needs none for them
RENAMED = {
    "data", "feed", "fetch", "combine", "if", "yield", "add", "subtract", "multiply", "divide", "remainder",
    "floor_divide", "maximum", "minimum", "elementwise_pow", "max", "min", "mean", "sum", "prod", "all", "any",
    "matmul", "flatten", "unsqueeze", "squeeze", "argmax", "argmin", "topk", "expand", "arange", "hardswish",
    "hardsigmoid", "grid_sample", "one_hot",
}  # fmt: skip


def as_new_ir(program: Path, parameters: Path, folder: Path) -> tuple[Path, Path]:
    """Return a program in the new IR and its parameter file, translated from the old IR where need be."""
    if program.suffix == ".json":
        return program, parameters
    import paddle
    from paddle2onnx.convert import load_parameter, save_program

    with paddle.pir_utils.OldIrGuard():
        executor = paddle.static.Executor(paddle.CPUPlace())
        found = paddle.static.load_inference_model(str(program.with_suffix("")), executor)
    translated = paddle.pir.translate_to_pir(found[0].desc)
    load_parameter(translated)
    save_program(translated, str(folder / "new_ir"))
    return folder / "new_ir.json", folder / "new_ir.pdiparams"


def with_float32_scales(value: Any) -> Any:
    """Return a program in which the factors of upsampling are float32: paddle2onnx 2.1 reads no array of float64."""
    if isinstance(value, list):
        return [with_float32_scales(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("N") == "scale" and isinstance(value["AT"].get("D"), list):
        factors = [{**item, "#": item["#"].replace("f64", "f32")} for item in value["AT"]["D"]]
        return {**value, "AT": {**value["AT"], "D": factors}}
    return {key: with_float32_scales(item) for key, item in value.items()}


def operators(value: Any) -> set[str]:
    """Return the names of the operators in a part of a program in the new IR."""
    if isinstance(value, list):
        return {name for item in value for name in operators(item)}
    if not isinstance(value, dict):
        return set()
    found = {name for item in value.values() for name in operators(item)}
    return found | {str(value["#"]).partition(".")[2]} if "#" in value and "I" in value else found


def without_converter(names: set[str], package: Path) -> list[str]:
    """Return the operators for which paddle2onnx has no converter; where it lacks one it does not say for which.

    Args:
        names: of the operators of a program.
        package: folder of paddle2onnx, whose library holds the names of its converters' classes.
    """
    data = b"".join(path.read_bytes() for path in [*package.glob("*.so"), *package.glob("*.pyd")])
    known = {name.decode() for name in re.findall(rb"N11paddle2onnx\d+(\w+?)PirGeneratorE", data)}
    return sorted(n for n in names - RENAMED if n not in known and n.rstrip("_") not in known) if known else []


def convert(program: Path, parameters: Path, folder: Path, opset: int) -> None:
    """Write `model.onnx` of a program in the new IR."""
    import paddle2onnx

    tree = with_float32_scales(json.loads(program.read_text(encoding="utf-8")))
    missing = without_converter(operators(tree), Path(paddle2onnx.__file__).parent)
    if missing:  # the reader reports it if the conversion fails
        print("no converter for:", ", ".join(missing), file=sys.stderr, flush=True)
    (folder / "float32.json").write_text(json.dumps(tree), encoding="utf-8")
    paddle2onnx.export(
        str(folder / "float32.json"),
        str(parameters),
        str(folder / "model.onnx"),
        opset_version=opset,
        optimize_tool="None",
    )


def run(program: Path, parameters: Path, folder: Path) -> None:
    """Write the outputs that Paddle gives to the inputs."""
    import numpy as np
    from paddle import inference

    config = inference.Config(str(program), str(parameters))
    config.disable_glog_info()
    config.disable_gpu()
    config.disable_mkldnn()
    predictor = inference.create_predictor(config)
    arrays = dict(np.load(folder / "inputs.npz"))
    found = {}
    for batch in sorted({name.partition(".")[0] for name in arrays}):
        for name in predictor.get_input_names():
            array = arrays[f"{batch}.{name}"]
            handle = predictor.get_input_handle(name)
            handle.reshape(array.shape)
            handle.copy_from_cpu(array)
        predictor.run()
        for index, name in enumerate(predictor.get_output_names()):
            found[f"{batch}.{index}"] = predictor.get_output_handle(name).copy_to_cpu()
    np.savez(folder / "outputs.npz", **found)


def main() -> None:
    """Do what the arguments say."""
    program, parameters, folder = (Path(argument).resolve() for argument in sys.argv[1:4])
    run(program, parameters, folder)
    convert(*as_new_ir(program, parameters, folder), folder, int(sys.argv[4]))


if __name__ == "__main__":
    main()

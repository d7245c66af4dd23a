"""Rules of the house that a reader relies on, checked on the syntax tree of every file."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*(ROOT / "ppocr").rglob("*.py"), *(ROOT / "tools").rglob("*.py")])
WITHOUT_NAMES = {"tools", "commands", "engine", "deploy", "system"}
NAMELESS = [p for p in SOURCES if WITHOUT_NAMES & set(p.relative_to(ROOT).parts[:2])]
NUMPY_ONLY = [
    *(ROOT / "ppocr" / "data" / "transforms").glob("*.py"),
    *(ROOT / "ppocr" / "codecs").glob("*.py"),
    *(ROOT / "ppocr" / "postprocess").glob("*.py"),
    *(ROOT / "ppocr" / "metrics").glob("*.py"),
    ROOT / "ppocr" / "deploy" / "predictor.py",
]

# from the ground up; what stands in one row does not import from one another
LAYERS = (
    ("ppocr.__init__", "ppocr.errors", "ppocr.suggestions"),
    ("ppocr.failures", "ppocr.utils"),
    ("ppocr.config.ranges", "ppocr.config.document"),
    ("ppocr.config.types", "ppocr.config.sections"),
    ("ppocr.declarations", "ppocr.arguments", "ppocr.predictions"),
    ("ppocr.codecs",),
    ("ppocr.registry",),
    ("ppocr.plugins", "ppocr.results", "ppocr.synthesis"),
    ("ppocr.data", "ppocr.modeling", "ppocr.losses", "ppocr.postprocess", "ppocr.metrics"),
    ("ppocr.optimizer",),
    ("ppocr.config",),
    ("ppocr.task",),
    ("ppocr.build",),
    ("ppocr.pretrained.catalogue",),
    ("ppocr.engine",),
    ("ppocr.deploy",),
    ("ppocr.pretrained",),
    ("ppocr.system",),
    ("ppocr.commands.__init__",),
    ("ppocr.program",),
    ("ppocr.cli",),
    ("ppocr.commands",),
    ("ppocr.__main__", "tools"),
)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """Return the dotted names a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
    return names


def registered_names() -> set[str]:
    """Return every YAML name a `register` decorator gives, and every `model_type` a scope names."""
    names: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and getattr(decorator.func, "attr", "") == "register":
                        names |= {a.value for a in decorator.args if isinstance(a, ast.Constant)} or {node.name}
                        names |= {k.value.value for k in decorator.keywords if isinstance(k.value, ast.Constant)}
    return names


def test_no_algorithm_names_in_tools_engine_and_deploy() -> None:
    names = registered_names()
    assert {"CTCHead", "SimpleDataSet", "rec"} <= names, "the search for registered names finds nothing"
    found = []
    for path in NAMELESS:
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Compare):
                continue
            parts = [n for side in [node.left, *node.comparators] for n in ast.walk(side)]
            words = {n.value for n in parts if isinstance(n, ast.Constant) and isinstance(n.value, str)}
            keys = {n.attr for n in parts if isinstance(n, ast.Attribute)} | words
            if words & names or keys & {"algorithm", "model_type"}:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found


@pytest.mark.parametrize("path", NUMPY_ONLY, ids=lambda p: str(p.relative_to(ROOT)))
def test_numpy_only_parts_import_no_network_code(path: Path) -> None:
    forbidden = ("paddle", "ppocr.modeling", "ppocr.engine", "ppocr.losses", "ppocr.optimizer")
    bad = [n for n in imported(path) if any(n == f or n.startswith(f + ".") for f in forbidden)]
    assert not bad


def test_no_arrow_runs_back_up() -> None:
    """A module imports from its own package and from rows above its own in `LAYERS`, inside functions too."""
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in SOURCES}
    modules = set(names.values())
    places = {prefix: row for row, prefixes in enumerate(LAYERS) for prefix in prefixes}

    def package(module: str) -> str:
        parts = module.split(".")
        return next((p for n in range(len(parts), 0, -1) if (p := ".".join(parts[:n])) in places), module)

    found = []
    for path, name in names.items():
        for target in imported(path):
            module = target if target in modules else f"{target}.__init__"
            if module not in modules or package(module) == package(name):
                continue
            if places.get(package(module), len(LAYERS)) >= places.get(package(name), -1):
                found.append(f"{name} imports {target}")
    assert not found


def test_no_module_imports_itself_through_others() -> None:
    """Imports inside functions count too."""
    names = {p: ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for p in SOURCES}
    modules = set(names.values())
    graph = {name: {m for m in imported(path) if m in modules and m != name} for path, name in names.items()}
    while leaves := {name for name, needs in graph.items() if not needs}:
        graph = {name: needs - leaves for name, needs in graph.items() if name not in leaves}
    assert not graph, "these, and what imports them"


def test_files_and_functions_keep_their_size() -> None:
    too_long = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        limit = 60 if path.relative_to(ROOT).parts[0] == "tools" else 400
        if text.count("\n") > limit:
            too_long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines, at most {limit}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno > 80:
                too_long.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} is too long")
    assert not too_long


def test_nothing_runs_code_from_data_or_hides_a_failure() -> None:
    found = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        where = path.relative_to(ROOT)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("eval", "exec"):
                found.append(f"{where}:{node.lineno}: {node.func.id}")
            if isinstance(node, ast.ExceptHandler) and node.type is None:
                found.append(f"{where}:{node.lineno}: bare except")
        found += [
            f"{where}: {m}" for m in re.findall(r"\bpickle\.loads?\(|yaml\.load\(|paddle\.load\(|yaml\.Loader\b", text)
        ]
    assert not found


def test_registered_classes_take_no_open_keywords() -> None:
    found = []
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.ClassDef) or not any(
                isinstance(d, ast.Call) and getattr(d.func, "attr", "") == "register" for d in node.decorator_list
            ):
                continue
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__" and item.args.kwarg:
                    found.append(f"{path.relative_to(ROOT)}:{item.lineno}: {node.name}")
    assert not found


def test_only_tools_touch_the_import_path() -> None:
    found = [
        str(p.relative_to(ROOT))
        for p in SOURCES
        if "sys.path" in p.read_text(encoding="utf-8") and p.relative_to(ROOT).parts[0] != "tools"
    ]
    assert not found


COUNTS = {"out_channels", "num_classes", "num_inputs", "num_outputs", "num_embeddings", "class_dim", "classes"}


def counts_classes(node: ast.AST) -> bool:
    """Return whether an operand is a number of classes: a count by its name, or the last axis of logits."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "len":
        return counts_classes(node.args[0])
    if isinstance(node, ast.Subscript):
        of_shape = getattr(node.value, "attr", "") == "shape"
        return (
            of_shape and isinstance(node.slice, (ast.Constant, ast.UnaryOp)) and ast.unparse(node.slice) in ("-1", "2")
        )
    return (getattr(node, "attr", "") or getattr(node, "id", "")) in COUNTS


def arithmetic_on_class_counts(tree: ast.AST) -> list[int]:
    """Return the lines that add to or take from a number of classes, or cut the names of classes."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            lines += [node.lineno] if counts_classes(node.left) or counts_classes(node.right) else []
        if isinstance(node, ast.AugAssign) and counts_classes(node.target):
            lines.append(node.lineno)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            lines += [node.lineno] if getattr(node.value, "id", getattr(node.value, "attr", "")) in COUNTS else []
    return lines


@pytest.mark.parametrize(
    "line",
    ["start = out_channels - 2", "n = self.out_channels + 1", "p = logits.shape[2] - 1", "p = logits.shape[-1] - 1"]
    + ["n = 1 + codec.num_outputs", "num_classes += 1", "n = len(codec.classes) - 2", "names = classes[1:]"],
)
def test_arithmetic_on_class_counts_is_found(line: str) -> None:
    assert arithmetic_on_class_counts(ast.parse(line)) == [1]


def test_no_head_or_loss_does_arithmetic_on_class_counts() -> None:
    """What a class index stands for, and how many there are, is the codec's to say."""
    found = []
    for path in SOURCES:
        if (
            path.relative_to(ROOT).parts[:3] == ("ppocr", "modeling", "heads")
            or path.parent == ROOT / "ppocr" / "losses"
        ):
            tree = tree_of(path)
            found += [f"{path.relative_to(ROOT)}:{line}" for line in arithmetic_on_class_counts(tree)]
    assert not found

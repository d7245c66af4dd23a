"""What all commands share: help without heavy imports, one-line errors, exit codes, settings before Paddle loads."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ppocr import cli
from ppocr.config.loader import load_config
from ppocr.errors import CheckpointError, ConfigError, DataError, PpocrError, Problem

ROOT = Path(__file__).resolve().parents[1]
CONFIG = str(ROOT / "configs/rec/rec_icdar15_train.yml")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Let a test set variables of the process without a trace."""
    for name in ("MKL_DEBUG_CPU_TYPE", "PPOCR_NO_MKL_HINT", "FLAGS_enable_pir_api"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def failing(error: BaseException):
    def command(cfg) -> None:
        raise error

    return command


def nothing(cfg) -> None:
    """Do nothing."""


@pytest.mark.parametrize("tool", ["train", "eval"])
def test_help_loads_nothing_heavy(tool):
    lines = [
        "import sys, runpy",
        f"sys.argv = ['{tool}.py', '--help']",
        "try:",
        f"    runpy.run_path(r'{ROOT / 'tools' / (tool + '.py')}', run_name='__main__')",
        "except SystemExit as end:",
        "    loaded = [m for m in ('paddle', 'numpy', 'cv2', 'yaml') if m in sys.modules]",
        "    print('exit', end.code, loaded)",
    ]
    found = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert "--config" in found.stdout and "KEY=VALUE" in found.stdout
    assert found.stdout.strip().endswith("exit 0 []")


def test_command_gets_the_checked_config_and_its_flags():
    got = {}

    def command(cfg, *, draw: bool = False, quick: bool = False) -> None:
        got.update(cfg=cfg, draw=draw, quick=quick)

    arguments = ["-c", CONFIG, "-o", "Global.epoch_num=5", "Global.seed=1", "-o", "Global.keep_last=2", "--quick"]
    assert cli.main(command, "Words.", arguments) == 0
    assert (got["cfg"].Global.epoch_num, got["cfg"].Global.seed, got["cfg"].Global.keep_last) == (5, 1, 2)
    assert (got["draw"], got["quick"]) == (False, True)


def test_the_resolved_configuration_is_printed_and_nothing_else_done(tmp_path, capfd):
    derived = tmp_path / "c.yml"
    derived.write_text(f"_BASE_: {CONFIG}\nGlobal:\n  epoch_num: 3\n  model_name: '011'\n  character_type: en\n")
    arguments = ["-c", str(derived), "--print-config", "-o", "Global.seed=7", "Global.infer_img=007"]
    assert cli.main(failing(AssertionError()), None, arguments) == 0
    shown = capfd.readouterr()
    assert shown.err.startswith(f"warning: {derived}:5: Global.character_type: accepted, and unused")
    copy = tmp_path / "copy.yml"
    copy.write_text(shown.out, encoding="utf-8")
    again = load_config(copy)
    assert again.to_dict() == load_config(derived, ["Global.seed=7", "Global.infer_img=007"]).to_dict()
    found = again.Global
    assert (found.epoch_num, found.model_name, found.seed, found.infer_img) == (3, "011", 7, "007")
    assert cli.main(failing(AssertionError()), None, [*arguments, "Global.epoch_nmu=1"]) == 2
    shown = capfd.readouterr()
    assert shown.out == "" and "error: -o Global.epoch_nmu: unknown key, did you mean epoch_num?\n" in shown.err


def test_without_a_config_usage_is_shown(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(nothing, None, [])
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("wrong"), 2, "error: wrong\n"),
        (ConfigError([Problem("c.yml:1", "A.b", "bad"), Problem("c.yml:2", "", "worse")]), 2, None),
        (PpocrError("no good", "do better"), 1, "error: no good\nhint: do better\n"),
        (DataError("no data"), 1, "error: no data\n"),
        (CheckpointError("broken"), 1, "error: broken\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x.txt"), 1, None),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "error: No space left on device\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_exit_codes(error, code, said, capsys):
    assert cli.main(failing(error), None, ["-c", CONFIG]) == code
    reported = capsys.readouterr().err
    assert "Traceback" not in reported
    if said:
        assert reported.endswith(said)
    elif isinstance(error, ConfigError):
        assert reported.endswith("error: c.yml:1: A.b: bad\nerror: c.yml:2: worse\n")
    else:
        assert reported.endswith("error: x.txt: No such file or directory\n")


def test_mistakes_of_ours_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        cli.main(failing(ZeroDivisionError()), None, ["-c", CONFIG])


def test_debug_shows_the_traceback(capsys):
    assert cli.main(failing(PpocrError("no good")), None, ["-c", CONFIG, "--debug"]) == 1
    reported = capsys.readouterr().err
    assert "Traceback" in reported and reported.endswith("error: no good\n")


def test_all_problems_of_a_config_are_printed(capsys):
    arguments = ["-c", CONFIG, "-o", "Global.epoch_nmu=1", "Loss.name=CTCLos", "Train.loader.shuffle=5"]
    assert cli.main(nothing, None, arguments) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: -o Global.epoch_nmu: unknown key, did you mean epoch_num?",
        "error: -o Loss.name: unknown loss 'CTCLos', did you mean CTCLoss?",
        "error: -o Train.loader.shuffle: expected true or false, got an int 5",
        "hint: docs/not_supported.md lists what of PaddleOCR does not run here yet",
    ]


def test_missing_config(capsys):
    assert cli.main(nothing, None, ["-c", "none.yml"]) == 2
    assert capsys.readouterr().err.startswith("error: none.yml: the configuration does not exist\nhint: ")


def test_warnings_are_printed(capsys):
    assert cli.main(nothing, None, ["-c", CONFIG, "-o", "Global.character_type=en"]) == 0
    assert (
        capsys.readouterr().err
        == "warning: -o Global.character_type: accepted, and unused: the dictionary says which characters there are\n"
    )


@pytest.mark.parametrize(
    ("amd", "before", "after"),
    [
        (True, {}, "5"),
        (False, {}, None),
        (True, {"PPOCR_NO_MKL_HINT": "1"}, None),
        (True, {"MKL_DEBUG_CPU_TYPE": "4"}, "4"),
    ],
)
def test_mkl_gets_the_hint_for_amd(amd, before, after, monkeypatch):
    monkeypatch.setattr(cli, "is_amd", lambda: amd)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    cli.prepare_environment()
    assert os.environ.get("MKL_DEBUG_CPU_TYPE") == after


@pytest.mark.parametrize(
    ("tree", "flag"), [({"Global": {"export_ir": "old"}}, "0"), ({"Global": {}}, None), ({"Global": [1]}, None)]
)
def test_old_program_format(tree, flag):
    cli.prepare_environment(tree)
    assert dict(os.environ).get("FLAGS_enable_pir_api") == flag


def test_environment_is_set_before_paddle_loads():
    lines = [
        "import sys",
        "from ppocr import cli",
        "cli.prepare_environment = lambda tree: print('paddle' in sys.modules)",
        f"sys.exit(cli.main(lambda cfg: None, None, ['-c', r'{CONFIG}']))",
    ]
    found = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert found.stdout.strip() == "False"

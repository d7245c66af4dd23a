"""Of the 175 reference configurations, nothing is refused but classes that do not exist yet."""

from __future__ import annotations

import pytest

from ppocr.config.checker import check
from ppocr.config.yaml_reader import parse
from ppocr.errors import ConfigError, Problem
from tests.conformance import HERE

FOLDER = HERE / "configs"
NAMES = sorted(p.relative_to(FOLDER).with_suffix("").as_posix() for p in FOLDER.rglob("*.json"))
LANGUAGES = ("arabic", "cyrillic", "devanagari", "en_number", "french", "german", "hebrew", "japan", "korean", "latin")
LANGUAGES += ("multi_language", "samaritan", "syriac")
V3 = ("arabic", "chinese_cht", "cyrillic", "devanagari", "japan", "ka", "korean", "latin", "ta", "te")
V5 = ("arabic", "cyrillic", "devanagari", "el", "en", "eslav", "korean", "latin", "ta", "te", "th")
COMPLETE = {
    "rec/rec_icdar15_train",
    "rec/rec_mv3_none_bilstm_ctc",
    "rec/rec_mv3_none_none_ctc",
    "rec/rec_r34_vd_none_bilstm_ctc",
    "rec/rec_r34_vd_none_none_ctc",
    "rec/ch_ppocr_v2.0/rec_chinese_lite_train_v2.0",
    "rec/ch_ppocr_v2.0/rec_chinese_common_train_v2.0",
    *(f"rec/multi_language/rec_{language}_lite_train" for language in LANGUAGES),
    "rec/ch_PP-OCRv2/ch_PP-OCRv2_rec",
    *(f"rec/PP-OCRv3/{prefix}PP-OCRv3_{kind}" for prefix, kind in (("", "mobile_rec"), ("ch_", "rec"), ("en_", "rec"))),
    "rec/PP-OCRv3/en_PP-OCRv3_mobile_rec",
    *(f"rec/PP-OCRv3/multi_language/{language}_PP-OCRv3_{kind}" for language in V3 for kind in ("rec", "mobile_rec")),
    *(f"rec/PP-OCRv4/ch_PP-OCRv4_rec{kind}" for kind in ("", "_ampO2_ultra", "_fp32_ultra", "_hgnet")),
    *(
        f"rec/PP-OCRv4/{prefix}PP-OCRv4_{kind}_rec"
        for prefix, kind in (("en_", "mobile"), ("", "mobile"), ("", "server"))
    ),
    *(f"rec/PP-OCRv5/PP-OCRv5_{kind}_rec" for kind in ("mobile", "server")),
    *(f"rec/PP-OCRv5/multi_language/{language}_PP-OCRv5_mobile_rec" for language in V5),
    "cls/cls_mv3",
    "cls/ch_PP-OCRv3/ch_PP-OCRv3_rotnet",
    *(f"rec/PP-OCRv6/PP-OCRv6_{size}_rec" for size in ("tiny", "small", "medium")),
    *(f"rec/SVTRv2/ch_{name}_rec{form}" for name in ("RepSVTR", "SVTRv2") for form in ("", "_gtc")),
    "rec/SVTRv2/rec_repsvtr_gtc",
    "rec/SVTRv2/rec_svtrv2_gtc",
    "rec/PP-OCRv4/ch_PP-OCRv4_rec_svtr_large",
    "rec/rec_svtrnet",
    "rec/rec_svtrnet_ch",
    "det/det_mv3_db",
    "det/det_r50_vd_db",
    "det/det_res18_db_v2.0",
    "det/det_r50_db++_icdar15",
    "det/det_r50_db++_td_tr",
    "det/det_repsvtr_db",
    *(f"det/PP-OCRv6/PP-OCRv6_{size}_det" for size in ("tiny", "small", "medium")),
    "det/ch_ppocr_v2.0/ch_det_mv3_db_v2.0",
    "det/ch_ppocr_v2.0/ch_det_res18_db_v2.0",
    "det/ch_PP-OCRv2/ch_PP-OCRv2_det_student",
    "det/ch_PP-OCRv3/ch_PP-OCRv3_det_student",
    "det/PP-OCRv3/PP-OCRv3_mobile_det",
    "det/ch_PP-OCRv4/ch_PP-OCRv4_det_student",
    "det/PP-OCRv4/PP-OCRv4_mobile_det",
    "det/PP-OCRv5/PP-OCRv5_mobile_det",
    "det/PP-OCRv3/PP-OCRv3_server_det",
    "det/ch_PP-OCRv4/ch_PP-OCRv4_det_teacher",
    "det/PP-OCRv4/PP-OCRv4_server_det",
    "det/PP-OCRv5/PP-OCRv5_server_det",
}


def problems_of(name: str) -> list[Problem]:
    """Return what is wrong with a reference configuration."""
    try:
        check(parse((FOLDER / f"{name}.json").read_text(encoding="utf-8"), f"{name}.json"))
    except ConfigError as error:
        return error.problems
    return []


def test_all_are_here():
    assert len(NAMES) == 175
    assert set(NAMES) >= COMPLETE


@pytest.mark.parametrize("name", NAMES)
def test_reference_config(name):
    problems = problems_of(name)
    assert [str(p) for p in problems if p.kind != "class"] == []
    assert name not in COMPLETE or not problems
    assert all(p.where.startswith(f"{name}.json:") for p in problems)

"""Packaging of ppocr; PaddlePaddle itself comes with the extra `cpu` or `gpu`."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "([^"]+)"', (HERE / "ppocr" / "__init__.py").read_text(encoding="utf-8")).group(1)

setup(
    name="ppocr",
    version=VERSION,
    description="A config-driven toolkit that trains, evaluates, exports and runs OCR models on PaddlePaddle",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.14",
    # The configurations lie beside the package here, and inside it where it is installed (ppocr/utils/paths.py).
    packages=[*find_packages(include=["ppocr", "ppocr.*"]), "ppocr.configs"],
    package_dir={"ppocr": "ppocr", "ppocr.configs": "configs"},
    package_data={
        "ppocr": ["utils/*.txt", "utils/dict/*.txt", "utils/dict/**/*.txt", "synthesis/words.txt"],
        "ppocr.configs": ["**/*.yml", "**/*.yaml", "README.md"],
    },
    entry_points={"console_scripts": ["ppocr = ppocr.program:run"]},
    install_requires=[
        "numpy>=1.26",
        "opencv-python>=4.8.1.78",
        "pyimgaug",
        "lmdb",
        "pydantic>=2.7",
        "typing_extensions",
        "pyyaml>=6",
        "visualdl",
        "shapely>=2",
        "pyclipper",
        "rapidfuzz>=3",
        "pillow>=10.2",
        "rich>=13",
    ],
    extras_require={
        "cpu": ["paddlepaddle>=3.0"],
        "gpu": ["paddlepaddle-gpu>=3.0"],
        "onnx": ["onnx>=1.16", "onnxruntime"],
        "read": ["onnx>=1.16", "onnxruntime", "openvino>=2024.4", "pypdfium2>=5"],
        # the next minor version of ruff may format otherwise, and the next one of mypy find more: raised by hand
        "dev": [
            "pytest>=7",
            "pytest-xdist>=3.5",
            "ruff>=0.17,<0.18",
            "mypy>=2.4,<2.5",
            "onnx>=1.16",
            "onnxruntime",
            "openvino>=2024.4",
            "pypdfium2>=5",
            "setuptools>=70.1",
        ],
    },
    classifiers=[
        "Programming Language :: Python :: 3",
        "License :: OSI Approved :: Apache Software License",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
)

# The two commands of the README (quickstart, test) and what they are made of.
PADDLE ?= cpu
PYTHON ?= python3
VENV ?= .venv
PY = $(VENV)/bin/python
STAMP = $(VENV)/.installed-$(PADDLE)
QUICKSTART = configs/rec/quickstart_digits.yml
RUN = output/quickstart_digits
DET_QUICKSTART = configs/det/quickstart_pages.yml
DET_RUN = output/quickstart_pages
GPU = Global.use_gpu=$(if $(filter gpu,$(PADDLE)),true,false)

.PHONY: quickstart quickstart-det test lint format clean help

help:
	@echo "make quickstart  install, build a small data set, train, evaluate, export and run a recogniser (CPU; PADDLE=gpu for a GPU wheel)"
	@echo "make quickstart-det  the same for a detector of text lines on drawn pages"
	@echo "make test        install, then run the whole test suite"
	@echo "make lint        ruff and mypy"

$(PY):
	@$(PYTHON) -m venv $(VENV) || { echo "could not create $(VENV): install the venv module of $(PYTHON)"; exit 1; }

$(STAMP): setup.py $(PY)
	@echo "installing ppocr and its packages into $(VENV) (once, about a minute)"
	@$(PY) -m pip install --quiet --disable-pip-version-check -e ".[$(PADDLE),dev]" > $(VENV)/install.log 2>&1 || \
	  { echo "could not fetch the Python packages of setup.py (extras $(PADDLE),dev) from the package index; see $(VENV)/install.log, check the network and run make again"; exit 1; }
	@touch $@

quickstart: $(STAMP)
	$(PY) tools/make_dataset.py digits --out train_data/digits
	$(PY) tools/train.py -c $(QUICKSTART) -o $(GPU)
	$(PY) tools/eval.py -c $(QUICKSTART) -o Global.checkpoints=$(RUN)/best_accuracy
	$(PY) tools/export_model.py -c $(QUICKSTART) -o Global.pretrained_model=$(RUN)/best_accuracy Global.save_inference_dir=$(RUN)/inference
	$(PY) tools/contact_sheet.py --rec_model_dir $(RUN)/inference --label_file train_data/digits/rec_gt_test.txt --out $(RUN)/predictions.png
	@echo
	@echo "What next: look at $(RUN)/predictions.png; train on your own lines by pointing a copy of $(QUICKSTART)"
	@echo "at your label files (docs/data.md); configs/README.md lists the larger networks."

quickstart-det: $(STAMP)
	$(PY) tools/make_dataset.py pages --out train_data/pages
	$(PY) tools/train.py -c $(DET_QUICKSTART) -o $(GPU)
	$(PY) tools/eval.py -c $(DET_QUICKSTART) -o $(GPU) Global.checkpoints=$(DET_RUN)/best_accuracy
	$(PY) tools/export_model.py -c $(DET_QUICKSTART) -o $(GPU) Global.pretrained_model=$(DET_RUN)/best_accuracy Global.save_inference_dir=$(DET_RUN)/inference
	$(PY) tools/contact_sheet.py --det_model_dir $(DET_RUN)/inference --label_file train_data/pages/det_gt_test.txt --sheet 12 --out $(DET_RUN)/predictions.png
	@echo
	@echo "What next: look at $(DET_RUN)/predictions.png; train on your own pages by pointing a copy of $(DET_QUICKSTART)"
	@echo "at your label files (docs/data.md); configs/README.md lists the larger networks."

test: $(STAMP)
	$(PY) -m pytest -q -p no:cacheprovider -n auto --maxprocesses 8 --dist loadgroup --no-loadscope-reorder

lint: $(STAMP)
	$(PY) -m ruff format --check . && $(PY) -m ruff check . && $(PY) -m mypy

format: $(STAMP)
	$(PY) -m ruff format . && $(PY) -m ruff check --fix .

clean:
	rm -rf $(VENV) build *.egg-info

# Everything a developer types. `make` alone lists the targets; a comment after two hashes is the help text.
#
# A virtual environment of our own is made from requirements/*.txt on first use. A stamp per file remembers what is
# installed, so that a second run starts at once. Nothing but Python and make is needed, not even a HOME.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PORT ?= 5000
ROWS ?= 20000
SEED ?= 1
JOBS ?= 20000
KILLS ?= 2000
# processes that share the tests
PROCESSES ?= 2

VENV := .venv
PY := $(VENV)/bin/python
LOCAL := $(VENV)/.installed-local
DEV := $(VENV)/.installed-dev
BENCH := $(VENV)/.installed-bench

# The first interpreter that runs and is new enough; PYTHON=... on the command line wins. Looked up only when needed.
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info)
PYTHON = $(eval PYTHON := $$(shell for name in python3 python3.13 python3.12 python3.11 python3.14; do \
	if $$$$name -c "$(FITS)" 2>/dev/null; then command -v $$$$name; break; fi; done))$(PYTHON)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore
PIP_INSTALL = $(PY) -m pip install --quiet --require-hashes --use-pep517

##@ Run
.PHONY: demo up
demo: $(LOCAL) ## Start everything, load a sample, run one job of each operation; stays up until Ctrl-C (PORT=5000)
	@$(PY) -m trafficjobs.local demo --port $(PORT)

up: $(LOCAL) ## Start API, upkeep, worker and an embedded Valkey; stays up until Ctrl-C (PORT=5000)
	@$(PY) -m trafficjobs.local up --port $(PORT)

##@ Check
.PHONY: check hooks lint format test test-all nightly fuzz scan audit audit-images approve-pictures
check: lint test ## What a commit must pass: lint, then test

hooks: $(DEV) ## Look at each commit before it is made (pre-commit): style, types, layers, links, in seconds
	$(VENV)/bin/pre-commit install

lint: $(DEV) ## Style, format, types and Dockerfiles
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/hadolint services/*/Dockerfile tests/e2e/images/*/Dockerfile

format: $(DEV) ## Rewrite the code in our style
	$(PY) -m ruff check --fix --exit-zero .
	$(PY) -m ruff format .

test: $(DEV) ## The tests, on a real Valkey, in parallel (PROCESSES=2)
	$(PY) -m pytest -q -n $(PROCESSES) --dist worksteal -m "not slow and not nightly and not images" tests

# What depends on the server: the scripts and whatever speaks to Redis itself. The rest knows HTTP, or no server at all. The first of
# TRAFFICJOBS_SERVERS, the oldest, is asked all of it; the others what goes through every script, and what HotQueue and rights are about.
ON_SERVERS = tests/unit tests/compat tests/chaos tests/poison tests/chart/test_redis_*.py \
	tests/features/test_cluster.py tests/features/test_sentinel.py tests/features/test_redis_*.py
ON_OTHERS = tests/compat tests/chaos tests/poison tests/chart/test_redis_*.py
test-all: $(DEV) $(BENCH) scan ## What `make test` leaves out: slow tests, and those of the queue on each of TRAFFICJOBS_SERVERS
	@for server in $${TRAFFICJOBS_SERVERS:-}; do \
		test -x "$$server" || { echo "TRAFFICJOBS_SERVERS names $$server, which is not a program" >&2; exit 1; }; done
	$(PY) -m pytest -q -n $(PROCESSES) --dist worksteal -m "slow and not alone" tests
	$(PY) -m pytest -q -m "slow and alone" tests
	@tests="$(ON_SERVERS)"; for server in $${TRAFFICJOBS_SERVERS:-}; do \
		echo "The tests on $$server"; \
		TRAFFICJOBS_SERVER="$$server" $(PY) -m pytest -q -n $(PROCESSES) --dist worksteal -m "not nightly and not images and not once" \
			$$tests || exit 1; \
		tests="$(ON_OTHERS)"; done

nightly: $(DEV) $(BENCH) ## What `make test-all` has no time for: each program of the bench, the soak, the real lease, a generated client
	$(PY) -m pytest -q -n $(PROCESSES) --dist worksteal -m nightly tests

EXAMPLES ?= 1000
fuzz: $(DEV) ## Input that nobody sends, much of it: EXAMPLES=1000 of each operation of the API, three times as many of each parser
	TRAFFICJOBS_EXAMPLES=$(EXAMPLES) $(PY) -m pytest -q -n $(PROCESSES) --dist worksteal tests/api/test_schema.py tests/fuzz

# What kube-score is not asked, beside CPU limits (.checkov.yaml says why, as of the pull policy and Redis's user): ephemeral storage,
# since how much is written depends on the data that is loaded; and serviceName, since Redis's Service has an address, which clients
# keep when the pod moves.
KUBE_SCORE_LEAVES := container-ephemeral-storage-request-and-limit container-image-pull-policy \
	container-security-context-user-group-id statefulset-has-servicename
KUBE_SCORE_VERSION := v1.20.0
KUBE_SCORE := $(VENV)/kube-score-$(KUBE_SCORE_VERSION)/kube-score
SCAN := build/scan
scan: $(DEV) $(SCAN)/.installed $(if $(shell command -v go),$(KUBE_SCORE)) ## Code, chart and images, read by bandit, checkov and kube-score
	$(SCAN)/bin/bandit --quiet --severity-level medium --recursive lib services trafficjobs
	@$(PY) -m tests.security.rendered build/rendered
	$(SCAN)/bin/checkov --config-file .checkov.yaml --directory build/rendered --directory k8s --directory services --directory .github
	@test -x $(KUBE_SCORE) || { echo "No go, which installs kube-score: it is left out"; exit 0; }; \
	$(KUBE_SCORE) score --ignore-container-cpu-limit $(KUBE_SCORE_LEAVES:%=--ignore-test %) --output-format ci build/rendered/*.yaml \
		| grep -v -e '^\[OK\]' -e '^\[SKIPPED\]' ; exit $${PIPESTATUS[0]}

$(KUBE_SCORE):
	@echo "Installing kube-score $(KUBE_SCORE_VERSION)"
	@GOFLAGS=-mod=mod GOBIN="$(CURDIR)/$(@D)" go install github.com/zegl/kube-score/cmd/kube-score@$(KUBE_SCORE_VERSION)

$(SCAN)/.installed: requirements/scan.txt $(DEV)
	@echo "Installing requirements/scan.txt"
	@$(VENV)/bin/uv venv --quiet --clear --python $(PY) $(SCAN)
	@$(VENV)/bin/uv pip install --quiet --python $(SCAN)/bin/python --require-hashes -r requirements/scan.txt
	@touch $@

# Asked of PyPI, and of the registry that holds the database of grype. Only what has a remedy fails: the rest is in its report.
PIP_AUDIT := pip-audit==2.10.1
GRYPE := docker.io/anchore/grype:v0.107.1
audit: $(DEV) ## Known holes in what the images and `make up` install, by pip-audit, which asks the internet
	@for group in api worker local; do \
		echo "requirements/$$group.txt"; \
		$(VENV)/bin/uv tool run --from $(PIP_AUDIT) pip-audit --strict --require-hashes --disable-pip --progress-spinner off \
			--requirement requirements/$$group.txt || exit 1; done

# It reads archives, so that it needs no socket of docker's, with which it could do anything.
audit-images: engine ## Known holes in the built images, by grype, which is pulled (ENGINE=podman)
	@$(save)
	@for name in api worker; do \
		$(ENGINE) run --rm --volume "$(CURDIR)/build:/build:ro" $(GRYPE) --only-fixed --fail-on high \
			docker-archive:/build/$$name.tar || exit 1; done

approve-pictures: $(DEV) ## Draw tests/pictures/approved anew; look at what changed before you commit it
	APPROVE_PICTURES=1 $(PY) -m pytest -q tests/pictures/test_approved.py

##@ Images
REGISTRY ?= ghcr.io/trafficjobs
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' trafficjobs/__init__.py)
TAG ?= $(VERSION)
REVISION = $(shell git describe --always --abbrev=40 --dirty --exclude='*' 2>/dev/null || echo unknown)
# What builds images and what runs containers; the first that is there.
BUILD ?= $(shell for tool in docker podman buildah; do command -v $$tool >/dev/null && echo $$tool build && break; done)
ENGINE ?= $(shell for tool in docker podman; do command -v $$tool >/dev/null && echo $$tool && break; done)

.PHONY: images image-sizes test-images builder engine
images: builder ## Build both images; what is there is not pulled (REGISTRY=, TAG=, BUILD='podman build')
	@for name in api worker; do \
		echo "Building $(REGISTRY)/$$name:$(TAG)"; \
		$(BUILD) --pull=false --file services/$$name/Dockerfile --tag $(REGISTRY)/$$name:$(TAG) \
			--build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) . || exit 1; done

builder:
	@test -n "$(BUILD)" || { echo "Images are built by docker, podman or buildah, and none is on PATH;" \
		"install one, or name a command that takes the arguments of docker build: make $(MAKECMDGOALS) BUILD='...'" >&2; exit 1; }

image-sizes: $(DEV) ## What the images weigh, with and without their base (ENGINE=podman)
	@ENGINE="$(ENGINE)" REGISTRY="$(REGISTRY)" TAG="$(TAG)" $(PY) -m tests.images.sizes

engine:
	@test -n "$(ENGINE)" || { echo "Containers are run by docker or podman, and neither is on PATH;" \
		"install one, or name it: make $(MAKECMDGOALS) ENGINE='...'" >&2; exit 1; }

test-images: engine $(DEV) ## Start what compose.yaml says, from the built images, and use it (ENGINE=podman)
	ENGINE="$(ENGINE)" REGISTRY="$(REGISTRY)" TAG="$(TAG)" $(PY) -m pytest -q -m images tests/images

##@ Kubernetes
# namespaces that are tested side by side
RELEASES ?= 3
# The chart that upgrades start from is kept as a package.
PREVIOUS = $(patsubst tests/e2e/previous/trafficjobs-%.tgz,%,$(wildcard tests/e2e/previous/trafficjobs-*.tgz))
# What `make e2e-images` builds.
ONLY_E2E = $(REGISTRY)/api:$(PREVIOUS) $(REGISTRY)/worker:$(PREVIOUS) $(REGISTRY)/e2e-redis:$(TAG)
VALKEY = docker.io/valkey/valkey:8-alpine
EXPORTER = docker.io/oliver006/redis_exporter:latest

e2e-chaos: MINUTES ?= 10
.PHONY: e2e e2e-chaos e2e-images e2e-image-names
e2e: $(DEV) ## Install, scale, kill and upgrade on the cluster of KUBECONFIG, with the images in it (REGISTRY=, TAG=, RELEASES=3)
	REGISTRY="$(REGISTRY)" TAG="$(TAG)" $(PY) -m pytest -q -n $(RELEASES) --dist loadfile --durations=40 --durations-min=1 tests/e2e

e2e-chaos: $(DEV) ## Take pods, containers and the node of that cluster away at random under load; check every job (MINUTES=10, SEED=1)
	REGISTRY="$(REGISTRY)" TAG="$(TAG)" MINUTES="$(MINUTES)" SEED="$(SEED)" $(PY) -m pytest -q tests/e2e/chaos

e2e-images: builder ## Build what only `make e2e` needs: an image of Redis, and the images of `make images` under the previous tag
	$(BUILD) --pull=false --tag $(REGISTRY)/e2e-redis:$(TAG) tests/e2e/images/redis
	@for name in api worker; do \
		$(BUILD) --pull=false --tag $(REGISTRY)/$$name:$(PREVIOUS) --build-arg IMAGE=$(REGISTRY)/$$name:$(TAG) \
			--build-arg VERSION=$(PREVIOUS) tests/e2e/images/previous || exit 1; done

e2e-image-names: # What `make e2e` wants in a cluster that pulls nothing
	@printf '%s\n' $(REGISTRY)/api:$(TAG) $(REGISTRY)/worker:$(TAG) $(ONLY_E2E) $(VALKEY) $(EXPORTER)

CLUSTER ?= trafficjobs
# The newest where empty.
KEDA_VERSION ?=
# A target's first line: stops, and says which program is missing.
needs = @for tool in $(1); do command -v $$tool >/dev/null || { \
	echo "make $@ needs $$tool, which is not on PATH; see k8s/README.md" >&2; exit 1; }; done
# Each image as an archive, which every kind of cluster takes from docker and podman alike. Podman writes over none that is there.
save = mkdir -p build && for name in api worker; do \
	rm -f build/$$name.tar && $(ENGINE) save -o build/$$name.tar $(REGISTRY)/$$name:$(TAG) || exit 1; done
define install
	helm upgrade --install keda keda --repo https://kedacore.github.io/charts $(if $(KEDA_VERSION),--version $(KEDA_VERSION)) \
		--namespace keda --create-namespace --wait --timeout 10m
	kubectl apply -f k8s/namespace.yaml
	helm upgrade --install trafficjobs charts/trafficjobs --namespace trafficjobs --wait --timeout 10m \
		--set image.registry=$(patsubst %/,%,$(dir $(REGISTRY))),image.tag=$(TAG) \
		--set api.image.repository=$(notdir $(REGISTRY))/api,worker.image.repository=$(notdir $(REGISTRY))/worker
	helm test trafficjobs --namespace trafficjobs --timeout 10m
endef

.PHONY: manifests kind kind-load minikube
manifests: $(DEV) ## Write the chart's board for Grafana anew, and k8s/ from the chart
	$(PY) -m tools.board
	$(PY) tools/manifests.py

kind: ## A cluster of kind with KEDA and this checkout's images and chart (CLUSTER=, TAG=, KEDA_VERSION=)
	$(call needs,kind kubectl helm $(or $(notdir $(ENGINE)),docker))
	kind get clusters 2>/dev/null | grep -qx $(CLUSTER) || kind create cluster --name $(CLUSTER) --config k8s/kind.yaml --wait 5m
	kubectl config use-context kind-$(CLUSTER)
	$(MAKE) images
	$(save)
	for name in api worker; do kind load image-archive build/$$name.tar --name $(CLUSTER) || exit 1; done
	$(install)

kind-load: # The images of `make e2e-images`, into the cluster of `make kind`
	mkdir -p build
	for image in $(ONLY_E2E); do \
		rm -f build/e2e.tar && $(ENGINE) save -o build/e2e.tar $$image && \
		kind load image-archive build/e2e.tar --name $(CLUSTER) || exit 1; done

minikube: ## The same on minikube (untested)
	$(call needs,minikube kubectl helm $(or $(notdir $(ENGINE)),docker))
	minikube start --profile $(CLUSTER) --cni calico
	kubectl config use-context $(CLUSTER)
	$(MAKE) images
	$(save)
	for name in api worker; do minikube image load build/$$name.tar --profile $(CLUSTER) || exit 1; done
	$(install)

##@ Data
.PHONY: data data-sample
data: $(PY) ## Download the portal's export (about 430,000 rows) into data/atx_traffic.csv
	$(PY) tools/download_data.py --out data/atx_traffic.csv

data-sample: $(LOCAL) ## Make a sample like it, without internet (ROWS=20000, SEED=1)
	$(PY) tools/make_sample.py --rows $(ROWS) --out data/atx_traffic.csv --seed $(SEED)

##@ Measure
soak: MINUTES ?= 5
.PHONY: chaos soak bench
chaos: $(DEV) ## Kill, freeze and cut at random, then check that no job was lost or doubled (JOBS=, KILLS=, SEED=)
	$(PY) -m tests.chaos --jobs $(JOBS) --kills $(KILLS) --seed $(SEED)

soak: $(DEV) ## A whole release under mixed load for minutes, and what of it grows; fails where something does (MINUTES=5)
	$(PY) -m tests.load --minutes $(MINUTES)

bench: $(BENCH) ## Jobs per second and the analysis beside their peers, pages and queue with a million jobs, and what of the targets is met
	$(PY) -m bench
	$(PY) -m bench.costs
	$(PY) -m bench.analysis
	$(PY) -m bench.dashboard
	$(PY) -m bench.waiting
	@$(PY) -m bench.tables

##@ Release
# What images are built for where a release is pushed.
PLATFORMS ?= linux/amd64,linux/arm64
HELM ?= $(shell command -v helm)
ACTIONLINT_VERSION := v1.7.12
ACTIONLINT := $(VENV)/actionlint-$(ACTIONLINT_VERSION)/actionlint

.PHONY: release-dry-run release-check release-files release-images release-chart release-page lint-workflows
release-dry-run: release-files ## Whatever a release holds, in dist/ and pushed nowhere; images where something builds them
	@if [ "$(origin BUILD)" != file ] || $(firstword $(BUILD) false) info >/dev/null 2>&1; then $(MAKE) images; \
		else echo "No images: neither docker nor podman nor buildah works here (BUILD='...' names what does)"; fi

# RELEASE_TAG is read from the environment, where there is one: that tag must be the version's.
release-check: $(PY)
	@$(PY) -m tools.release check

release-files: release-check $(DEV)
	@rm -rf dist trafficjobs.egg-info
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(VENV)/bin/uv build --quiet --no-build-isolation --python $(PY) \
		--no-create-gitignore --out-dir dist
	@if [ -n "$(HELM)" ]; then $(HELM) package charts/trafficjobs --destination dist >/dev/null; \
		else $(PY) -c "import helm_python; helm_python.package('charts/trafficjobs', destination='dist')"; fi
	@$(PY) -m tools.sbom dist
	@git archive --prefix=trafficjobs-$(VERSION)/ --output=dist/trafficjobs-$(VERSION)-k8s.tar.gz HEAD k8s
	@$(PY) -m tools.release notes > dist/NOTES.md
	@$(PY) -m tools.release list

# These three push, from dist/: only the workflow runs them, and without a virtual environment.
release-images release-chart release-page:
	@PLATFORMS="$(PLATFORMS)" REGISTRY="$(REGISTRY)" REVISION="$(REVISION)" "$(PYTHON)" -m tools.publish $(@:release-%=%)

lint-workflows: $(DEV) $(ACTIONLINT) ## The workflows under .github, read by zizmor and actionlint (which go installs)
	$(VENV)/bin/zizmor --quiet --offline --persona pedantic .github
	$(ACTIONLINT)

$(ACTIONLINT):
	@command -v go >/dev/null || { echo "actionlint is installed by go, which is not on PATH" >&2; exit 1; }
	@echo "Installing actionlint $(ACTIONLINT_VERSION)"
	@GOFLAGS=-mod=mod GOBIN="$(CURDIR)/$(@D)" go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)

##@ Keep
.PHONY: reference templates lock clean distclean help
reference: $(DEV) ## Write the pages of docs anew that are made from the code and the chart
	$(PY) -m tools.reference

templates: $(LOCAL) ## Write submit_templates.json anew: a working job for every operation
	$(PY) -m lib.templates > submit_templates.json.new
	mv submit_templates.json.new submit_templates.json

LOCK = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest $(if $(UPGRADE),--upgrade) \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
PEERS := arq celery dramatiq huey rpqueue rq saq streaq taskiq
lock: $(DEV) ## Write requirements/*.txt anew from the groups in pyproject.toml (UPGRADE=1 takes newer versions)
	$(LOCK) --group dev --output-file requirements/dev.txt
	for group in api worker local bench; do \
		$(LOCK) --group $$group --constraints requirements/dev.txt --output-file requirements/$$group.txt || exit 1; done
	for group in scan $(PEERS:%=bench-%); do $(LOCK) --group $$group --output-file requirements/$$group.txt || exit 1; done

clean: ## Remove caches and what runs left in run/
	rm -rf run .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## Remove the virtual environment as well; data/ stays
	rm -rf $(VENV)

help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z0-9-]*:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile; echo

# The virtual environment. dev holds everything local holds, in the same versions.
$(PY):
	@test -n "$(PYTHON)" || { echo "trafficjobs needs Python 3.11 or later, and neither python3 nor python3.11 to python3.14 is one;" \
		"install it, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c "$(FITS)" || { echo "$(PYTHON) is not Python 3.11 or later" >&2; exit 1; }
	@"$(PYTHON)" -c "import ensurepip, venv" 2>/dev/null || { echo "$(PYTHON) comes without ensurepip;" \
		"on Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$("$(PYTHON)" --version) (once, about a minute)"
	@"$(PYTHON)" -m venv --clear $(VENV)

$(LOCAL): requirements/local.txt $(PY)
	@echo "Installing requirements/local.txt"
	@$(PIP_INSTALL) -r requirements/local.txt
	@touch $@

$(DEV): requirements/dev.txt $(PY)
	@echo "Installing requirements/dev.txt"
	@$(PIP_INSTALL) -r requirements/dev.txt
	@touch $@ $(LOCAL)

$(BENCH): requirements/bench.txt $(PY)
	@echo "Installing requirements/bench.txt"
	@$(PIP_INSTALL) -r requirements/bench.txt
	@touch $@

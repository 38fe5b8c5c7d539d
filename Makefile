# SPDX-License-Identifier: GPL-2.0-only
#
# The one entry: what each part is made of, its own makefile knows.

MAKEFLAGS += --no-print-directory

# Kernels to build the module for: names that scripts/kernel knows, versions with
# headers on this host, or build directories.
KERNEL ?=
KERNELS = $(or $(KERNEL),$(shell scripts/kernel series))
# Guests boot Debian's cloud kernels, which get tarn_guest.ko.
GUEST_KERNELS = $(if $(filter 6.1 6.12 7.3 debug,$(KERNELS)),6.1-cloud 6.12-cloud) \
	$(if $(filter 7.3,$(KERNELS)),7.3-cloud)

PREFIX ?= /usr/local
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' kmod/dkms.conf)

# The part's targets exist when the part does.
part = $(if $(wildcard $(1)/Makefile),+$(MAKE) -C $(1) $(2))

all: kmod vmm tools selftests

help:
	@echo 'make all          kmod, vmm, tools and the test programs (the default)'
	@echo 'make kmod         tarn.ko, tarn_kvm.ko and tarn_guest.ko for Debian'\''s 6.1 and'
	@echo '                  6.12, or for KERNEL='
	@echo 'make vmm          tarn-vmm and tarn-pager'
	@echo 'make tools        tarnctl and other programs of the operator'
	@echo 'make demo         guests twice as large as the pool they live in, in 3 minutes'
	@echo 'make check        all tests; TESTS=GROUP[,GROUP] runs some groups of them,'
	@echo '                  TESTS=help lists them, KERNEL=6.1|6.12|7.3 uses one kernel,'
	@echo '                  FULL=1 runs all of them on 6.1 and 6.12, and those of groups that'
	@echo '                  name 7.3 on that as well, FAILED=1 only what failed in the run'
	@echo '                  before, HOST=1 runs them on this machine instead of in a virtual'
	@echo '                  one, MINUTES=90 lets them take longer than 80'
	@echo 'make debug-check  the tests on a kernel with KASAN, lockdep, kmemleak, ...'
	@echo 'make bench        Tarn against its peers, a table and bench.json'
	@echo 'make docs         the documentation as HTML in build/docs'
	@echo 'make install      module, programs and manuals on this host (PREFIX=, DESTDIR=)'
	@echo 'make uninstall    remove them'
	@echo 'make dkms         have DKMS build the module for each kernel of this host'
	@echo 'make deb          Debian packages in build/deb'
	@echo 'make clean        remove build/'
	@echo
	@echo 'make sparse, checkpatch, shellcheck: the parts of TESTS=static'
	@echo 'KERNEL=           6.1, 6.12, 7.3, a version, or a directory with kernel headers'
	@echo 'V=1               whole commands instead of short lines'
	@echo 'W=1               more warnings from the compiler, for the module'
	@echo 'DEBUG=y           checks of its own in the module (TARN_DEBUG)'

setup:
	@scripts/setup

kmod:
	+@for k in $(KERNELS) $(GUEST_KERNELS); do \
		scripts/kmod-build $$k $(if $(W),W=$(W)) $(if $(DEBUG),TARN_DEBUG=y) || exit 1; \
	done

vmm:
	@$(call part,vmm)

tools: vmm
	@$(call part,tools)

selftests: vmm
	@$(call part,selftests)

check: setup
	@scripts/kernel fetch
	@selftests/run $(if $(TESTS),--groups $(TESTS)) $(if $(FULL),--full) $(if $(FAILED),--failed) \
		$(if $(HOST),--host) $(if $(MINUTES),--minutes $(MINUTES)) $(addprefix --kernel ,$(KERNEL))

debug-check: setup
	@scripts/debug-kernel
	@selftests/run $(if $(TESTS),--groups $(TESTS)) $(if $(FAILED),--failed) --kernel debug

# It says what it is about to do, and does the rest itself.
demo:
	@selftests/demo/run

bench: setup all
	@scripts/kernel fetch
	@selftests/bench/run

docs:
	@scripts/setup doc
	@$(call part,Documentation,html)

sparse:
	@for k in $(KERNELS); do scripts/sparse $$k || exit 1; done

checkpatch:
	@scripts/checkpatch

shellcheck:
	@scripts/shellcheck

# On this host, for the kernel that runs unless KERNEL= says another.
install: HOST_KERNEL = $(or $(KERNEL),$(shell uname -r))
install: vmm tools
	@scripts/kmod-build $(HOST_KERNEL)
	@scripts/install "$(DESTDIR)" "$(PREFIX)" $(HOST_KERNEL)
	@$(call part,vmm,install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX))
	@$(call part,tools,install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX))

uninstall:
	@scripts/install --remove "$(DESTDIR)" "$(PREFIX)"
	@$(call part,vmm,uninstall DESTDIR=$(DESTDIR) PREFIX=$(PREFIX))
	@$(call part,tools,uninstall DESTDIR=$(DESTDIR) PREFIX=$(PREFIX))

deb:
	@scripts/setup build deb
	@scripts/deb

dkms:
	@command -v dkms >/dev/null || { echo 'dkms is not installed: apt-get install dkms' >&2; exit 1; }
	# The version is the same whatever has changed since.
	[ -z "$$(dkms status -m tarn -v $(VERSION))" ] || dkms remove tarn/$(VERSION) --all
	rm -rf /usr/src/tarn-$(VERSION)
	mkdir -p /usr/src/tarn-$(VERSION)
	cp -r Kbuild kmod uapi kmod/dkms.conf /usr/src/tarn-$(VERSION)
	dkms install tarn/$(VERSION) --force

clean:
	rm -rf build

.PHONY: all help setup kmod vmm tools selftests check debug-check demo bench docs \
	sparse checkpatch shellcheck install uninstall dkms deb clean

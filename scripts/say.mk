# SPDX-License-Identifier: GPL-2.0-only
#
# $(call say,CC[,WHAT]): a short line instead of the command behind it, as the
# kernel's own build has them. It names what is made below build/, or WHAT. V=1 shows
# the commands, make -s nothing.

built := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../build)/

ifeq ($(V),1)
say =
else ifneq ($(findstring s,$(firstword -$(MAKEFLAGS))),)
say =
else
say = @printf '  %-7s %s\n' $(1) '$(or $(2),$(@:$(built)%=%))';
endif

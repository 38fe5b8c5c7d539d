# SPDX-License-Identifier: GPL-2.0-only
"""How Sphinx builds Tarn's documentation; run by Documentation/Makefile."""

import os
import re
import sys

here = os.path.dirname(os.path.abspath(__file__))
top = os.path.dirname(here)
sys.path.insert(0, os.path.join(here, "ext"))

with open(os.path.join(top, "kmod", "dkms.conf"), encoding="utf-8") as f:
    release = re.search(r'PACKAGE_VERSION="(.*)"', f.read()).group(1)

project = "Tarn"
author = "The Tarn authors"
copyright = author
version = release

extensions = ["kerneldoc"]
kerneldoc_top = top
kerneldoc_uapi = ["uapi/linux/" + name for name in (
    "tarn.h", "tarn_adjunct.h", "tarn_balloon.h", "tarn_numa.h", "tarn_pager.h", "tarn_save.h", "tarn_share.h", "tarn_vm.h")]

exclude_patterns = ["ext"]
master_doc = "index"
primary_domain = "c"
highlight_language = "none"
nitpicky = True

html_theme = "alabaster"
html_theme_options = {
    "description": "Shared memory pools for KVM guests",
    "fixed_sidebar": True,
    "page_width": "72em",
    "sidebar_width": "16em",
}
html_sidebars = {"**": ["about.html", "localtoc.html", "navigation.html", "searchbox.html"]}
html_copy_source = False
html_show_sphinx = False

# SPDX-License-Identifier: Apache-2.0
"""Tools around the `acl` module: `atc`, a CANN-like prefix for builds, a pytest plugin."""

"""Numerical methods without wireless words: interior point, descent, augmented Lagrangian, small inverses."""

from trinode import _runtime  # noqa: F401  (double precision before the first array)

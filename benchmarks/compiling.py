"""What compiling quickly rather than well saves and costs, for one network of a system's default scheme.

python benchmarks/compiling.py SYSTEM

Processor time: the load of the machine hardly matters. Nothing is read from a cache or kept in one.
"""

from __future__ import annotations

import os
import sys
import time

os.environ["TRINODE_CACHE_DIR"] = ""

import jax
import numpy as np

import trinode as tn
from trinode import _flags, _programs


def main() -> None:
    jax.config.update("jax_enable_compilation_cache", False)
    network = tn.draw(sys.argv[1], seed=3)
    made: list[_programs.Program] = []
    plain = _programs.Program.compile
    _programs.Program.compile = lambda program: made.append(program) or plain(program)  # type: ignore[method-assign]
    began = time.process_time()
    tn.solve(network)
    print(f"traced, compiled quickly and run: {time.process_time() - began:.1f} s")
    exported = made[-1].exported
    leaves = [jax.ShapeDtypeStruct(one.shape, one.dtype) for one in exported.in_avals]
    for name, options in (("quickly", _flags.PROGRAM | _flags.ONCE), ("well", _flags.PROGRAM)):
        lowered = jax.jit(exported.call).lower(leaves)
        began = time.process_time()
        lowered.compile(compiler_options=dict(options))
        print(f"compiled {name}: {time.process_time() - began:.1f} s")
    _programs.Program.compile = plain  # type: ignore[method-assign]
    for name, often in (("quickly", False), ("well", True)):
        spent = []
        for _ in range(7):
            with _programs.long_runs(often):
                began = time.process_time()
                jax.block_until_ready(tn.solve(network))
                spent.append(time.process_time() - began)
        print(f"run, compiled {name}: {1e3 * np.median(spent[1:]):.1f} ms")


if __name__ == "__main__":
    main()

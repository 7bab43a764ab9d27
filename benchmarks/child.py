"""One measurement in a process of its own: `python -m benchmarks.child MODE ...`, the modes below.

`peer COO CASE LIMIT`, `peak csr CASE`, `decompose KERNEL LIMIT`, `layer separate`, `rank FLINT MATRIX`,
`spectrum CHANNELS`.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from benchmarks.cases import BY_NAME
from benchmarks.peers import PEERS, TooSlow
from convmatrix.memory import free_memory

_ENOUGH = 20.0
"""Seconds after which a peer is not run again."""


def peer(name: str, case_name: str, limit: str) -> dict[str, object]:
    """Seconds that a peer takes to build, at best of up to three times, with nine tenths of the free memory."""
    case = BY_NAME[case_name]
    allowed = _status("VmSize") + int(0.9 * free_memory())
    if name == "one-hot":
        import torch

        torch.set_num_threads(1)
        allowed = _status("VmSize") + int(0.9 * free_memory())
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))
    _ = case.weight
    seconds: list[float] = []
    try:
        # One run alone can be ten times off where fresh memory is slow to come; long ones are spared.
        while len(seconds) < 3 and sum(seconds) < _ENOUGH:
            start = time.perf_counter()
            matrix = PEERS[name](case, float(limit))
            seconds.append(time.perf_counter() - start)
            entries = matrix.nnz
            del matrix
    except TooSlow as slow:
        return {"failed": str(slow)}
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        return {"failed": "out of memory"}
    wanted = case.operator().nnz
    if entries != wanted:
        return {"failed": f"wrong: {entries} entries, not {wanted}"}
    return {"seconds": min(seconds)}


def peak(way: str, case_name: str) -> dict[str, object]:
    """Peak memory of one build above what the process held before, and the bytes of the matrix."""
    operator = BY_NAME[case_name].operator()
    operator = operator.T if way == "transposed" else operator
    before = _status("VmRSS")
    matrix = operator.tosparse()
    # ru_maxrss can start at the parent's peak, which the child inherits; the high-water mark of the image cannot.
    used = _status("VmHWM") - before
    return {"peak": used, "bytes": matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes}


def decompose(name: str, limit: str) -> dict[str, object]:
    """Seconds of SymPy's singular value decomposition of a kernel, which is stopped at the limit."""
    import sympy

    import convmatrix as cm
    from benchmarks.separability import STUBBORN

    matrix = sympy.Matrix(cm.kernel(STUBBORN[name]).tolist())

    def stop(*_: object) -> NoReturn:
        raise TooSlow(f"> {float(limit):g} s")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, float(limit))
    start = time.perf_counter()
    try:
        matrix.singular_value_decomposition()
    except TooSlow as slow:
        return {"failed": str(slow)}
    return {"seconds": time.perf_counter() - start}


def layer(name: str) -> dict[str, object]:
    """Peak memory of one answer about a whole layer above what the process held before, and the weight's bytes."""
    import convmatrix as cm
    from benchmarks.separability import layer as weight_of

    weight = weight_of()
    ask, axes = (cm.separate, 2) if name == "separate" else (cm.flatten, 1)
    # What loads with the first call is not the batch's.
    ask(weight[:1, :1], batch_axes=axes)
    before = _status("VmRSS")
    kept = ask(weight, batch_axes=axes)
    used = _status("VmHWM") - before
    del kept
    return {"peak": used, "bytes": weight.nbytes}


def rank(peer_name: str, name: str) -> dict[str, object]:
    """Seconds that another library takes for a rank, at best of three."""
    from benchmarks.separability import large_matrix, peer_rank

    matrix = large_matrix(name)
    seconds: list[float] = []
    while len(seconds) < 3 and sum(seconds) < _ENOUGH:
        start = time.perf_counter()
        peer_rank(peer_name, matrix)
        seconds.append(time.perf_counter() - start)
    return {"seconds": min(seconds)}


def spectrum(channels: str) -> dict[str, object]:
    """Peak memory of all singular values of a circular layer above what the process held before."""
    import convmatrix as cm
    from benchmarks.spectrum import SIZE, weight_of

    around = {"padding": 1, "padding_mode": "circular"}
    # What loads with the first call is not the layer's.
    cm.singular_values(cm.conv(weight_of(2), SIZE, **around))
    op = cm.conv(weight_of(int(channels)), SIZE, **around)
    before = _status("VmRSS")
    kept = cm.singular_values(op)
    used = _status("VmHWM") - before
    del kept
    return {"peak": used}


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


MODES = {"peer": peer, "peak": peak, "decompose": decompose, "layer": layer, "rank": rank, "spectrum": spectrum}

if __name__ == "__main__":
    print(json.dumps(MODES[sys.argv[1]](*sys.argv[2:])))

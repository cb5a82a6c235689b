# cython: auto_pickle=False
"""The integer engine: programs of steps on blocks of rows, on one of several instruction sets.

Everything here trusts its caller: shapes, formats and paddings are those of engine.h.
"""

from time import perf_counter

cimport cython
from cpython.buffer cimport (
    PyBUF_SIMPLE,
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint32_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from .buffers cimport address
from .memory cimport Block
from .pool cimport Task, share, share_at_once
from .search cimport CSearch, Search
from .watched cimport GUARD, allow, forbid


cdef extern from "engine_dispatch.h" nogil:
    enum:
        PANEL, BLOCK_ROWS, MOST_PLANES
        ROW_FLOAT, ROW_BITS, ROW_UINT8, ROW_INT16
        KIND_AND, KIND_TERNARY, KIND_INT8, KIND_INT16, KIND_FLOAT, KIND_TABLE
        CHAIN_ADD, CHAIN_SUB, CHAIN_RSUB, CHAIN_MUL, CHAIN_DIV, CHAIN_RDIV, CHAIN_MIN, CHAIN_MAX
        CHAIN_TANH, CHAIN_SIGMOID
        STEP_ENCODE, STEP_LAYOUT, STEP_PRODUCT, STEP_CHAIN, STEP_GATHER, STEP_DEPTHWISE
    ctypedef struct Product:
        int32_t kind, x_bits, w_bits
        int64_t k, n
        const void* panels
        const float* levels
        int32_t alpha, row_factor
        const int32_t* offset_n
        const float* scale_n
        const float* bias_n
    ctypedef struct CRequantizer "Requantizer":
        int32_t format, bits, count
        const int32_t* sum_tn
        const int32_t* flip_n
        const float* float_t
        float per_step
        CSearch search
        int32_t base
        const int32_t* gain_t
        const int16_t* element_l
        int32_t elements
        const double* slope_n
        const double* start_n
        const uint8_t* searched_n
        int32_t rows
        int32_t gain
    ctypedef struct Link:
        int32_t op
        const float* constant_n
    ctypedef struct CWindows "Windows":
        int64_t height, width, out_width, out_height
        int64_t kernel_y, kernel_x, stride_y, stride_x, pad_y, pad_x, step_y, step_x
        int64_t pixel, plane, tail
        int32_t planes
        uint8_t fill[MOST_PLANES]
    ctypedef struct Step:
        int32_t op, source, target, out
        int64_t n
        Product product
        CRequantizer requantizer
        CWindows windows
        int32_t links
        Link* link
    ctypedef struct Buffer:
        char* data
        size_t stride
    ctypedef struct Weigh:
        const uint8_t* codes
        int64_t n, words
        Step layout
        int planes
        size_t stride, plane_words
        char* memory
        uint32_t* panels
        int32_t* sum_np
    ctypedef struct Path:
        const char* name
        Task prepack_weights
        int64_t (*step)(const Step*, Buffer, Buffer, int64_t, int) noexcept nogil
        int k_per_int_word
    const Path PATHS[]
    int supported_paths()


# Their names, as Python knows them.
FORMATS = {
    "float": ROW_FLOAT,
    "bits": ROW_BITS,
    "uint8": ROW_UINT8,
    "int16": ROW_INT16,
}
KINDS = {
    "planes": KIND_AND,
    "ternary": KIND_TERNARY,
    "int8": KIND_INT8,
    "int16": KIND_INT16,
    "float": KIND_FLOAT,
    "table": KIND_TABLE,
}
LINKS = {
    "add": CHAIN_ADD,
    "subtract": CHAIN_SUB,
    "subtract_from": CHAIN_RSUB,
    "multiply": CHAIN_MUL,
    "divide": CHAIN_DIV,
    "divide_into": CHAIN_RDIV,
    "minimum": CHAIN_MIN,
    "maximum": CHAIN_MAX,
    "tanh": CHAIN_TANH,
    "sigmoid": CHAIN_SIGMOID,
}


def supported():
    """Return the names of the paths that this processor can run, the plainest first."""
    return tuple(PATHS[i].name.decode() for i in range(supported_paths()))


def multiplies_bytes(int path):
    """Return whether a path has products of bytes."""
    return PATHS[path].k_per_int_word == 4


@cython.final
cdef class Requantizer:
    """How numbers become codes and codes elements: see engine.h."""

    cdef CRequantizer c
    cdef object alive

    def __init__(
        self, *, str format, int bits, int count, int base=0, increments=None, elements=None,
        sum_thresholds=None, flips=None, float_thresholds=None, float per_step=0,
        Search search=None, slopes=None, starts=None, searched=None, int gain=0,
    ):
        self.alive = (
            increments, elements, sum_thresholds, flips, float_thresholds, search, slopes, starts,
            searched,
        )
        self.c.format = FORMATS[format]
        self.c.bits = bits
        self.c.count = count
        self.c.base = base
        self.c.per_step = per_step
        if search is not None:
            self.c.search = search.c
        self.c.gain_t = <const int32_t*>address(increments)
        self.c.element_l = <const int16_t*>address(elements)
        self.c.elements = 0 if elements is None else elements.size
        self.c.sum_tn = <const int32_t*>address(sum_thresholds)
        self.c.flip_n = <const int32_t*>address(flips)
        self.c.float_t = <const float*>address(float_thresholds)
        self.c.slope_n = <const double*>address(slopes)
        self.c.start_n = <const double*>address(starts)
        self.c.searched_n = <const uint8_t*>address(searched)
        self.c.gain = gain
        self.c.rows = 0 if sum_thresholds is None else sum_thresholds.shape[0]


@cython.final
cdef class Weights:
    """The weights of a product as the engine wants them: see engine.h."""

    cdef Product c
    cdef object alive

    def __init__(
        self, *, str kind, int x_bits, int w_bits, int64_t k, int64_t n, panels, scale, bias,
        levels=None, int alpha=1, int row_factor=0, offset=None,
    ):
        self.alive = (panels, levels, offset, scale, bias)
        self.c.kind = KINDS[kind]
        self.c.x_bits = x_bits
        self.c.w_bits = w_bits
        self.c.k = k
        self.c.n = n
        self.c.panels = address(panels)
        self.c.levels = <const float*>address(levels)
        self.c.alpha = alpha
        self.c.row_factor = row_factor
        self.c.offset_n = <const int32_t*>address(offset)
        self.c.scale_n = <const float*>address(scale)
        self.c.bias_n = <const float*>address(bias)


cdef enum:
    MOST_PARTS = 256

# Seconds that rows are taken for at a time.
cdef double SLICE = 0.05

# A program as the threads see it.
cdef struct Plan:
    int path, count, most, buffers
    Step* steps
    size_t* strides

cdef struct Job:
    Plan* plan
    char* x
    char* y
    int64_t start, stop, grain
    int parts
    int64_t[MOST_PARTS] bad


@cython.final
cdef class Windows:
    """Windows on images with the channels last: see engine.h. Pairs are (vertical, horizontal)."""

    cdef CWindows c

    def __init__(
        self, *, tuple image, tuple output, tuple kernel, tuple stride, tuple padding,
        tuple dilation, int64_t pixel, int64_t tail=0, tuple fill=(0,),
    ):
        self.c.height, self.c.width = image
        self.c.out_height, self.c.out_width = output
        self.c.kernel_y, self.c.kernel_x = kernel
        self.c.stride_y, self.c.stride_x = stride
        self.c.pad_y, self.c.pad_x = padding
        self.c.step_y, self.c.step_x = dilation
        self.c.pixel = pixel
        if len(fill) > MOST_PLANES:
            raise ValueError(f"an image has at most {MOST_PLANES} planes, got {len(fill)}")
        self.c.planes = <int32_t>len(fill)
        self.c.plane = self.c.height * self.c.width * pixel
        self.c.tail = tail
        for plane in range(self.c.planes):
            self.c.fill[plane] = fill[plane]


@cython.final
cdef class Program:
    """Steps that run one after the other on each block of rows.

    Buffer 0 is the input, buffer 1 the output; `strides` are the bytes of a row of each, 0 for the
    images that windows look at.
    """

    cdef Plan plan
    cdef list alive

    def __init__(self, int path, list strides, int most):
        self.plan.path = path
        self.plan.most = most
        self.alive = []
        self.plan.buffers = <int>len(strides)
        self.plan.steps = <Step*>calloc(most, sizeof(Step))
        self.plan.strides = <size_t*>calloc(self.plan.buffers, sizeof(size_t))
        if self.plan.steps == NULL or self.plan.strides == NULL:
            raise MemoryError
        for b in range(self.plan.buffers):
            self.plan.strides[b] = strides[b]

    def __dealloc__(self):
        cdef int s
        if self.plan.steps != NULL:
            for s in range(self.plan.count):
                free(self.plan.steps[s].link)
        free(self.plan.steps)
        free(self.plan.strides)

    cdef Step* add(self, int op, int source, int target, int64_t n) except NULL:
        if self.plan.count == self.plan.most:
            raise IndexError(f"the program was made for {self.plan.most} steps")
        if not (0 <= source < self.plan.buffers and 0 <= target < self.plan.buffers):
            raise IndexError(f"buffers are 0 to {self.plan.buffers - 1}: {source}, {target}")
        cdef Step* step = &self.plan.steps[self.plan.count]
        step.op = op
        step.source = source
        step.target = target
        step.n = n
        self.plan.count += 1
        return step

    def encode(self, int source, int target, int64_t n, Requantizer requantizer):
        """Floats become elements."""
        self.alive.append(requantizer)
        self.add(STEP_ENCODE, source, target, n).requantizer = requantizer.c

    def layout(self, int source, int target, int64_t n, Requantizer requantizer):
        """Codes, a byte each, become elements."""
        self.alive.append(requantizer)
        self.add(STEP_LAYOUT, source, target, n).requantizer = requantizer.c

    def product(
        self, int source, int target, Weights weights, str out, Requantizer requantizer=None
    ):
        """Elements become floats or, by a requantizer, the elements of another product."""
        self.alive.append((weights, requantizer))
        cdef Step* step = self.add(STEP_PRODUCT, source, target, weights.c.n)
        step.product = weights.c
        step.out = FORMATS[out]
        if requantizer is not None:
            step.requantizer = requantizer.c

    def chain(self, int source, int target, int64_t n, list links):
        """Floats become floats: ``links`` are (name, constants or None)."""
        self.alive.append(links)
        cdef Step* step = self.add(STEP_CHAIN, source, target, n)
        step.link = <Link*>calloc(len(links), sizeof(Link))
        if step.link == NULL:
            raise MemoryError
        step.links = <int32_t>len(links)
        for i, (name, constants) in enumerate(links):
            step.link[i].op = LINKS[name]
            step.link[i].constant_n = <const float*>address(constants)

    def gather(self, int source, int target, Windows windows):
        """Images become rows of patches, one for each output pixel."""
        self.add(STEP_GATHER, source, target, 0).windows = windows.c

    def depthwise(
        self, int source, int target, Windows windows, Weights weights, str out,
        Requantizer requantizer=None
    ):
        """Images, convolved channel by channel, become what a product makes.

        Elements are bytes if the weights were made for 8 bits, else int16.
        """
        self.product(source, target, weights, out, requantizer)
        cdef Step* step = &self.plan.steps[self.plan.count - 1]
        step.op = STEP_DEPTHWISE
        step.windows = windows.c

    def run(self, x, y, int64_t start, int64_t stop, int threads=1, int64_t grain=1):
        """Run rows ``start`` to ``stop``; return how many of the numbers to encode are bad.

        Threads share the rows, each whole multiples of ``grain``.
        """
        cdef Py_buffer source, target
        PyObject_GetBuffer(x, &source, PyBUF_SIMPLE)
        try:
            PyObject_GetBuffer(y, &target, PyBUF_SIMPLE | PyBUF_WRITABLE)
            try:
                return run_slices(
                    &self.plan, <char*>source.buf, <char*>target.buf, start, stop, threads, grain
                )
            finally:
                PyBuffer_Release(&target)
        finally:
            PyBuffer_Release(&source)


cdef int64_t run_slices(
    Plan* plan, char* x, char* y, int64_t start, int64_t stop, int threads, int64_t grain
) except -1:
    """Run the rows, the first few and then as many at a time as take about `SLICE`.

    Between slices Python's signal handlers run: one that raises ends the call.
    """
    cdef Job job
    cdef int64_t bad = 0, most = max(grain, <int64_t>BLOCK_ROWS) * threads, grains
    cdef int part
    cdef double began, took
    job.plan, job.x, job.y, job.grain = plan, x, y, grain
    job.start = start
    while True:
        # The last slice takes what would be too little for one.
        job.stop = stop if stop - job.start < 2 * most else job.start + most // grain * grain
        grains = (job.stop - job.start) // grain
        job.parts = <int>max(min(<int64_t>threads, min(grains, <int64_t>MOST_PARTS)), 1)
        began = perf_counter()
        with nogil:
            share_at_once(run_part, &job, job.parts, job.parts)
        for part in range(job.parts):
            if job.bad[part] < 0:
                raise MemoryError
            bad += job.bad[part]
        if job.stop >= stop:
            return bad
        PyErr_CheckSignals()
        took = max(perf_counter() - began, 1e-9)
        most = max(<int64_t>(most * min(SLICE / took, 16.0)), grain)
        job.start = job.stop


cdef void run_part(void* context, int64_t part) noexcept nogil:
    """Run one of the parts into which the rows are cut."""
    cdef Job* job = <Job*>context
    cdef int64_t grains = (job.stop - job.start) // job.grain
    job.bad[part] = run_rows(
        job.plan, job.x, job.y,
        job.start + grains * part // job.parts * job.grain,
        job.start + grains * (part + 1) // job.parts * job.grain,
    )


cdef int64_t run_rows(Plan* plan, char* x, char* y, int64_t start, int64_t stop) noexcept nogil:
    cdef int64_t block = min(<int64_t>BLOCK_ROWS, stop - start), row, bad = 0
    cdef size_t total = 64
    cdef int b, s, rows
    for b in range(2, plan.buffers):
        total += (plan.strides[b] * block + 63) // 64 * 64 + GUARD
    cdef char* memory = <char*>malloc(total)
    cdef Buffer* buffer = <Buffer*>malloc(plan.buffers * sizeof(Buffer))
    if memory == NULL or buffer == NULL:
        free(memory)
        free(buffer)
        return -1
    forbid(memory, total)
    cdef char* free_from = memory + (64 - <uintptr_t>memory % 64) % 64
    for b in range(plan.buffers):
        buffer[b].stride = plan.strides[b]
        if b >= 2:
            buffer[b].data = free_from
            allow(free_from, plan.strides[b] * block)
            free_from += (plan.strides[b] * block + 63) // 64 * 64 + GUARD
    row = start
    while row < stop:
        rows = <int>min(<int64_t>BLOCK_ROWS, stop - row)
        buffer[0].data = x + row * plan.strides[0]
        buffer[1].data = y + row * plan.strides[1]
        for s in range(plan.count):
            bad += PATHS[plan.path].step(
                &plan.steps[s],
                buffer[plan.steps[s].source],
                buffer[plan.steps[s].target],
                row,
                rows,
            )
        row += rows
    free(memory)
    free(buffer)
    return bad


def panels(const uint32_t[:, ::1] word_nt, uint32_t[:, :, ::1] out_ptc):
    """Write rows of words as panels of 64 columns: ``out[n // 64, t, n % 64] = word[n, t]``."""
    cdef Py_ssize_t p, t, c, first, words = word_nt.shape[1], columns
    cdef Py_ssize_t t0, t1
    with nogil:
        for p in range(out_ptc.shape[0]):
            first = p * PANEL
            columns = min(<Py_ssize_t>PANEL, word_nt.shape[0] - first)
            # 64 words of a row at a time: enough to be fetched ahead, few enough for the cache.
            for t0 in range(0, words, 64):
                t1 = min(t0 + 64, words)
                for c in range(columns):
                    for t in range(t0, t1):
                        out_ptc[p, t, c] = word_nt[first + c, t]
                for c in range(columns, PANEL):
                    for t in range(t0, t1):
                        out_ptc[p, t, c] = 0


def prepack_weights(
    int path, int threads, const uint8_t[:, ::1] code_nk, Requantizer requantizer, int planes,
    int64_t words, size_t stride, uint32_t[:, :, ::1] out_ptc, int32_t[:, ::1] sum_np,
):
    """Write codes as panels of 64 columns, and what the elements of each column sum up to.

    ``words`` are those of a plane, ``stride`` the bytes of a laid out row. The sums are, for each
    plane of bits, the number of ones; for bytes, the sum of the signed bytes.
    """
    cdef Weigh w
    cdef int64_t count = out_ptc.shape[0]
    memset(&w, 0, sizeof(Weigh))
    if code_nk.shape[0] == 0:
        return
    w.codes = &code_nk[0, 0] if code_nk.shape[1] else NULL
    w.n, w.words, w.planes, w.stride = code_nk.shape[0], words, planes, stride
    w.plane_words = stride // 4 // planes
    w.layout.n = code_nk.shape[1]
    w.layout.requantizer = requantizer.c
    w.panels = &out_ptc[0, 0, 0] if out_ptc.shape[1] else NULL
    w.sum_np = &sum_np[0, 0]
    cdef Block block = Block(count * PANEL * stride)
    w.memory = block.start()
    with nogil:
        share(PATHS[path].prepack_weights, &w, count, threads if w.n * w.layout.n > 100000 else 1)


@cython.final
cdef class Multiplier:
    """A product of codes that is taken again and again, with other codes of the same shapes.

    Args:
        path: that the weights are laid out for.
        rows: of the other side.
        program: of the product of laid out weights.
        requantizer: how codes of weights become elements.
        panels: where these go, and with them `sums`, int32 ``[n, planes]``.
        offset, scale, bias: what the weights of the program have, for whole panels.
        by_plane: factors of the sums in the offset.
        constant: the rest of the offset.
        words: of a plane.
        stride: bytes of a laid out row.
        most: threads that pay for it.
    """

    cdef int path, most, planes
    cdef int64_t rows, n, k, count, constant
    cdef size_t stride
    cdef Program program
    cdef object alive
    cdef Weigh weigh
    cdef int32_t* sums
    cdef int32_t* offset
    cdef float* scale
    cdef float* bias
    cdef int64_t[MOST_PLANES] by_plane

    def __init__(
        self, *, int path, int64_t rows, int64_t n, int64_t k, Program program,
        Requantizer requantizer, panels, sums, offset, scale, bias, tuple by_plane,
        int64_t constant, int64_t words, size_t stride, int most,
    ):
        cdef Block block = Block(panels.shape[0] * PANEL * stride)
        self.alive = (requantizer, panels, sums, offset, scale, bias, block)
        self.path, self.rows, self.n, self.k, self.most = path, rows, n, k, most
        self.program, self.constant, self.planes = program, constant, <int>len(by_plane)
        for plane in range(self.planes):
            self.by_plane[plane] = by_plane[plane]
        self.sums, self.offset = <int32_t*>address(sums), <int32_t*>address(offset)
        self.scale, self.bias = <float*>address(scale), <float*>address(bias)
        self.count = panels.shape[0]
        self.weigh.n, self.weigh.words, self.weigh.planes = n, words, self.planes
        self.weigh.stride, self.weigh.plane_words = stride, stride // 4 // self.planes
        self.weigh.layout.n, self.weigh.layout.requantizer = k, requantizer.c
        self.weigh.panels, self.weigh.sum_np = <uint32_t*>address(panels), self.sums
        self.weigh.memory = block.start()


cdef int multiply_of(
    object multiplier, int path, int threads, const uint8_t* x, const uint8_t* w, float scale,
    const float* bias, float* y,
) except -1:
    """Write the product; return 1, or 0 if the weights are laid out for another path."""
    cdef Multiplier f = multiplier
    cdef int64_t i, sum
    cdef int plane
    if path != f.path:
        return 0
    f.weigh.codes = w
    with nogil:
        share(
            PATHS[path].prepack_weights, &f.weigh, f.count, threads if f.n * f.k > 100000 else 1
        )
        for i in range(f.n):
            sum = f.constant
            for plane in range(f.planes):
                sum += f.by_plane[plane] * f.sums[i * f.planes + plane]
            # Sums of the engine wrap around too.
            f.offset[i] = <int32_t><uint32_t>sum
            f.scale[i] = scale
            f.bias[i] = 0 if bias == NULL else bias[i]
    run_slices(&f.program.plan, <char*>x, <char*>y, 0, f.rows, min(threads, f.most), 1)
    return 1

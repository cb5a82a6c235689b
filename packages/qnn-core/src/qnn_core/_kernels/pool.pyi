# Nothing for Python: the other kernels take their threads from here.
__pyx_capi__: dict[str, object]

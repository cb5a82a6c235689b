"""Running many trainings, in processes.

Importing any of them first asks the BLAS behind NumPy for one thread: it reads these variables when
NumPy is imported. Several workers share the cores, so threads in each would only get in each
other's way; and one thread everywhere gives the same bits whatever --jobs is. Worker processes
inherit the variables.
"""

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["VECLIB_MAXIMUM_THREADS"] = "1"
os.environ["QNN_NUM_THREADS"] = "1"

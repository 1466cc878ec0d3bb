"""One thread a process, said before torch is loaded.

The networks of tests are small. Two processes with two threads each on two cores take four times as long as with one:
the threads wait for each other.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

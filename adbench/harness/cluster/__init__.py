"""Several machines: sends rows to the hosts of a Dask cluster and gathers their lines in one file.

Scheduling is Dask's: futures, worker resources and worker restrictions (see ``docs/cluster.md``). Only
the modules in this folder know the package ``distributed``, and import it inside functions.
"""

from adbench.harness.cluster.dispatch import run
from adbench.harness.cluster.hosts import ClusterError

__all__ = ["ClusterError", "run"]

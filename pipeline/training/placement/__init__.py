"""Where a run computes: one process or several, on CPUs, GPUs or TPUs. Nothing outside this room names a device."""

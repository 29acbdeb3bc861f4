"""trafficjobs: the public package, what a wheel installs. The service itself lives in `services` and `lib`.

`__version__` is the only place where the version stands; the wheel, the API and the command line read it here.
"""

__version__ = "0.1.0"

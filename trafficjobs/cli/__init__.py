"""The command line `trafficjobs`: one module per group of commands, each on the public client.

A command gets a `Session`, calls the client and prints through `output`; what goes wrong is an exception, which `failures`
turns into one sentence and an exit code. No command holds state: everything is in the service or in the profiles' file.
"""

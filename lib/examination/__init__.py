"""What is wrong with a release, found with the connections and rights of the process that looks, and what to do about each thing.

Nothing is changed, but that scripts are loaded. `examining` runs all checks; every other module looks at one side of it.
"""

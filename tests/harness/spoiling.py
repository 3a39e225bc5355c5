"""Ways to spoil a question's data, for the tests that must reject what is spoilt."""


def put(value, *path):
    """A function that sets what stands at the path."""

    def change(data):
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = value

    return change


def dropped(*path):
    """A function that takes away what stands at the path."""

    def change(data):
        for step in path[:-1]:
            data = data[step]
        del data[path[-1]]

    return change

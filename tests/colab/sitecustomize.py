import google.colab  # noqa: F401, as Colab's kernel does before the first cell

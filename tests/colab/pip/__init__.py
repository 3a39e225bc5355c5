"""Stands in for pip, to note what a notebook would install; the course is there already."""

"""The questions as files for learning platforms: Moodle's XML (moodle.py) and QTI 1.2 for Canvas (canvas.py).

Both write what forms.py makes of a question: which kind of question a platform has for it, and its words as HTML.
`python course.py bank` is the way in (__main__.py).
"""

"""The dialects of a `FakeUpstream`: which request is which, and how an answer is written.

`dialects.json` holds the paths, pages and errors of each; a module here writes the
answers of one form, which several dialects may share. All of it is pure.
"""

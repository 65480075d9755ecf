"""Bytes to profiles, and the algebra on them: what ``go tool pprof`` does, without Go.

``parse`` and ``encode`` are the way in and out; ``combine``, ``select``, ``top`` and ``group`` compute;
``text``, ``goroutine`` and ``dump`` read the ``debug=1`` and ``debug=2`` forms and need no numpy.
"""

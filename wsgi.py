"""The entry for any WSGI server, as in ``gunicorn wsgi:application``; the home is named by ``SEARCHD_HOME``.

``searchd serve`` does more: it warms the kernels, shares counters between workers, and tells when it is ready.
"""

from searchd.worker import make_application

application = make_application()

# The course on The Littlest JupyterHub: every learner's server comes from the course's own environment. Linked into
# /opt/tljh/config/jupyterhub_config.d, where TLJH reads it after its own settings; tljh.md says how.
c = get_config()  # noqa: F821

c.Spawner.cmd = ["/opt/pooling-course/.venv/bin/jupyterhub-singleuser"]
c.Spawner.http_timeout = 120  # when a class comes at once, servers take longer to answer than the usual 30 seconds
c.Spawner.default_url = "/lab/tree/pooling-course/00_start_here.ipynb"

"""Runs a Flask sample on the port in PORT, whatever port it names; where Flask is not installed, on the stand-in."""

import os
import runpy
import sys

STAND_IN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stand-in")

if os.environ.get("FLASK") == "stand-in":
    sys.path.insert(0, STAND_IN)
try:
    import flask
except ImportError:
    sys.path.append(STAND_IN)
    import flask

run = flask.Flask.run
flask.Flask.run = lambda self, port=None: run(self, host="127.0.0.1", port=int(os.environ["PORT"]))
runpy.run_path(sys.argv[1], run_name="__main__")

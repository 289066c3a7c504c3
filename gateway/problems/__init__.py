"""Problems: every error as an answer (RFC 9457), and the only place that gives errors a status."""

from __future__ import annotations

from gateway.problems.mapping import problem_for
from gateway.problems.problem import Problem
from gateway.problems.rendering import prefers_html, render

__all__ = ["Problem", "prefers_html", "problem_for", "render"]

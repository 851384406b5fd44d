"""Suggestions by a model for one image or for many."""

from studio.panels.predict.panel import PredictPanel as PredictPanel

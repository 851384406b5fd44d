"""The Models page."""

from studio.panels.models.panel import ModelsPanel as ModelsPanel

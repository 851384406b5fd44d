"""Text encoders of the open-vocabulary models: phrases in, unit vectors out."""

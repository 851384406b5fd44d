"""Reports of trainings to experiment trackers: one file a service, switched on in the settings."""

"""What predictions are made on, one kind of source a file; `engine.data.loaders` opens them."""

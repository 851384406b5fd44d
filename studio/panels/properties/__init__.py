"""What is known of the selected shapes, and where it is changed."""

"""What to label next, and which labels look wrong: what a model says of images and labels."""

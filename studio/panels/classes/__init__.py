"""The classes of the project: their list, what each is made of, merging, splitting and removing them."""

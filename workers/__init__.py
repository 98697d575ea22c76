"""Work beside the portal: pixels and tensors, no Django."""

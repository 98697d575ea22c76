"""Work beside the portal: pixels and tensors, no Django."""

import os

# ONNX Runtime as it is published tells its maker over HTTPS when it starts and what it
# runs, unless this is said before it is imported (its Privacy.md). A hospital's images
# are nobody's statistics; every import of it here comes after this line.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
